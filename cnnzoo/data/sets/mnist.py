"""MNIST and Fashion-MNIST: 70,000 grey images of 28x28 pixels each.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), 1998. http://yann.lecun.com/exdb/mnist

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017. https://arxiv.org/abs/1708.07747

Both are four idx files of the same names. A file is confirmed by the hash of its elements, because mirrors
pack the same bytes differently. Of Fashion-MNIST's images only the MD5 of the official gzip files is
published: a download must match it, while a copy that was unpacked or packed again is checked for its
structure only, and ``verify`` says so.
"""

from cnnzoo.data.dataset import DataSet
from cnnzoo.data.sets.idx_sets import IdxFile, IdxSet


def _files(
    prefix: str, split: str, count: int, images: str | None, labels: str, images_md5: str | None = None
) -> tuple[IdxFile, IdxFile]:
    """Return the two files of a split with the hashes of their elements, and of the gzip file of images."""
    return (
        IdxFile(f"{prefix}-images-idx3-ubyte", f"x_{split}", (count, 28, 28), images, images_md5),
        IdxFile(f"{prefix}-labels-idx1-ubyte", f"y_{split}", (count,), labels),
    )


_MNIST_TRAIN = _files(
    *("train", "train", 60_000),
    images="741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    labels="1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
)
_MNIST_TEST = _files(
    *("t10k", "test", 10_000),
    images="6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    labels="ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
)
_FASHION_TRAIN = _files(
    *("train", "train", 60_000),
    images=None,
    labels="657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
    images_md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
)
_FASHION_TEST = _files(
    *("t10k", "test", 10_000),
    images=None,
    labels="3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    images_md5="bef4ecab320f06d8554ea6380940ec79",
)

MNIST = IdxSet(
    description=DataSet(
        name="mnist",
        title="MNIST",
        class_names=tuple("0123456789"),
        input_shape=(28, 28, 1),
        train_count=60_000,
        test_count=10_000,
        glyphs=True,
        source="LeCun, Cortes and Burges, from NIST's forms; usually quoted as CC BY-SA 3.0",
    ),
    train=_MNIST_TRAIN,
    test=_MNIST_TEST,
    folders=("MNIST/raw",),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    npz_mirrors=("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
    others={"Fashion-MNIST": (*_FASHION_TRAIN, *_FASHION_TEST)},
)

FASHION_MNIST = IdxSet(
    description=DataSet(
        name="fashion_mnist",
        title="Fashion-MNIST",
        class_names=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        input_shape=(28, 28, 1),
        train_count=60_000,
        test_count=10_000,
        glyphs=False,
        source="Xiao, Rasul and Vollgraf 2017, Zalando SE; MIT licence",
    ),
    train=_FASHION_TRAIN,
    test=_FASHION_TEST,
    folders=("FashionMNIST/raw", "fashion-mnist"),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    others={"MNIST": (*_MNIST_TRAIN, *_MNIST_TEST)},
)
