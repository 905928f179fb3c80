"""MNIST and Fashion-MNIST: 70,000 grey images of 28x28 pixels each, as tables.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), 1998. http://yann.lecun.com/exdb/mnist

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017. https://arxiv.org/abs/1708.07747

Both are four idx files of the same names. What vouches for a file is the hash of its elements,
because mirrors pack the same bytes differently. Of Fashion-MNIST's images only the MD5 of the
official gzip files is published: a download must match it, while a copy that was unpacked or
packed again is checked for its structure only, and ``verify`` says so.
"""

from dataclasses import dataclass

from cnnzoo.data.dataset import DataSet


@dataclass(frozen=True)
class IdxFile:
    """One of a data set's four files.

    Attributes:
        stem: Its official name without ``.gz``.
        npz_key: The name of the same array in Keras's ``mnist.npz``.
        shape: (count, height, width) of images or (count,) of labels.
        payload_sha256: Hash of the elements, without the idx header.
        gzip_md5: Hash of the official gzip file, where the one of the elements is not known.
    """

    stem: str
    npz_key: str
    shape: tuple[int, ...]
    payload_sha256: str | None
    gzip_md5: str | None = None


@dataclass(frozen=True)
class IdxSource:
    """A data set that is four idx files.

    Attributes:
        name: The registered name.
        title: The name as people write it.
        num_classes: Labels are 0 to this minus one.
        folders: Folders of other programs in which the files are looked for as well.
        train: Images and labels of the training part.
        test: Images and labels of the test part.
        mirrors: Addresses of the gzip files' folder, the best first.
        npz_mirrors: Addresses of the folder of Keras's npz archive, for when the others fail.
    """

    name: str
    title: str
    num_classes: int
    folders: tuple[str, ...]
    train: tuple[IdxFile, IdxFile]
    test: tuple[IdxFile, IdxFile]
    mirrors: tuple[str, ...]
    npz_mirrors: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[IdxFile, ...]:
        """All four files."""
        return (*self.train, *self.test)


MNIST = IdxSource(
    name="mnist",
    title="MNIST",
    num_classes=10,
    folders=("MNIST/raw",),
    train=(
        IdxFile(
            "train-images-idx3-ubyte",
            "x_train",
            (60_000, 28, 28),
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        ),
        IdxFile(
            "train-labels-idx1-ubyte",
            "y_train",
            (60_000,),
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        ),
    ),
    test=(
        IdxFile(
            "t10k-images-idx3-ubyte",
            "x_test",
            (10_000, 28, 28),
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte",
            "y_test",
            (10_000,),
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    npz_mirrors=("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
)

FASHION_MNIST = IdxSource(
    name="fashion_mnist",
    title="Fashion-MNIST",
    num_classes=10,
    folders=("FashionMNIST/raw", "fashion-mnist"),
    train=(
        IdxFile(
            "train-images-idx3-ubyte",
            "x_train",
            (60_000, 28, 28),
            None,
            gzip_md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        ),
        IdxFile(
            "train-labels-idx1-ubyte",
            "y_train",
            (60_000,),
            "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        ),
    ),
    test=(
        IdxFile(
            "t10k-images-idx3-ubyte",
            "x_test",
            (10_000, 28, 28),
            None,
            gzip_md5="bef4ecab320f06d8554ea6380940ec79",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte",
            "y_test",
            (10_000,),
            "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        ),
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
)

SOURCES = {source.name: source for source in (MNIST, FASHION_MNIST)}

DATA_SETS: tuple[DataSet, ...] = (
    DataSet(
        name="mnist",
        title="MNIST",
        class_names=tuple("0123456789"),
        input_shape=(28, 28, 1),
        train_count=60_000,
        test_count=10_000,
        glyphs=True,
        source="LeCun, Cortes and Burges, from NIST's forms; usually quoted as CC BY-SA 3.0",
    ),
    DataSet(
        name="fashion_mnist",
        title="Fashion-MNIST",
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        input_shape=(28, 28, 1),
        train_count=60_000,
        test_count=10_000,
        glyphs=False,
        source="Xiao, Rasul and Vollgraf 2017, Zalando SE; MIT licence",
    ),
)
