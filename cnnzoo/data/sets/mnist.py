"""MNIST and Fashion-MNIST: 70,000 grey images of 28x28 pixels each.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), 1998. http://yann.lecun.com/exdb/mnist

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017. https://arxiv.org/abs/1708.07747

Both are four idx files of the same names. The hash of its elements confirms a file, because mirrors compress the same
bytes differently. For Fashion-MNIST's images only the MD5 of the official gzip files is published. A download must have
it. Of a copy that was unpacked or compressed again only the structure is checked, and ``verify`` says so.
"""

from cnnzoo.data.dataset import DataSet
from cnnzoo.data.sets.idx_sets import IdxFile, IdxSet

# Official name, name of the array in Keras's archive, and shape; the files of training images come first.
_FILES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("train-images-idx3-ubyte", "x_train", (60_000, 28, 28)),
    ("train-labels-idx1-ubyte", "y_train", (60_000,)),
    ("t10k-images-idx3-ubyte", "x_test", (10_000, 28, 28)),
    ("t10k-labels-idx1-ubyte", "y_test", (10_000,)),
)
_MNIST_SHA256 = (
    "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
)
_FASHION_SHA256 = (
    None,
    "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
    None,
    "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
)
_FASHION_MD5 = ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", None, "bef4ecab320f06d8554ea6380940ec79", None)
_MNIST_FILES = tuple(IdxFile(*row, sha256) for row, sha256 in zip(_FILES, _MNIST_SHA256, strict=True))
_FASHION_FILES = tuple(
    IdxFile(*row, *hashes) for row, *hashes in zip(_FILES, _FASHION_SHA256, _FASHION_MD5, strict=True)
)


def _describe(name: str, title: str, class_names: tuple[str, ...], source: str, *, glyphs: bool) -> DataSet:
    return DataSet(name, title, class_names, (28, 28, 1), 60_000, 10_000, glyphs, source)


MNIST = IdxSet(
    description=_describe(
        "mnist",
        "MNIST",
        tuple("0123456789"),
        "LeCun, Cortes and Burges, from NIST's forms; usually quoted as CC BY-SA 3.0",
        glyphs=True,
    ),
    train=_MNIST_FILES[:2],
    test=_MNIST_FILES[2:],
    folders=("MNIST/raw",),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    npz_mirrors=("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
    others={"Fashion-MNIST": _FASHION_FILES},
)

FASHION_MNIST = IdxSet(
    description=_describe(
        "fashion_mnist",
        "Fashion-MNIST",
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        "Xiao, Rasul and Vollgraf 2017, Zalando SE; MIT licence",
        glyphs=False,
    ),
    train=_FASHION_FILES[:2],
    test=_FASHION_FILES[2:],
    folders=("FashionMNIST/raw", "fashion-mnist"),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    others={"MNIST": _MNIST_FILES},
)
