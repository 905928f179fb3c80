"""How images are prepared, which no weight file says."""

import pytest

from cnnzoo.errors import UserError
from cnnzoo.inspection import outline
from cnnzoo.weights.conversion import list_conversions
from cnnzoo.weights.layer_names import COUNTERPARTS
from cnnzoo.weights.preprocessing import PREPROCESSINGS, choose_preprocessing

pytestmark = pytest.mark.slow

OWN = "0" * 64


def counterpart_of(network, library="torchvision"):
    return next(
        counterpart for counterpart in COUNTERPARTS if (counterpart.network, counterpart.library) == (network, library)
    )


def test_without_a_statement_the_librarys_preprocessing_is_assumed():
    found = choose_preprocessing(counterpart_of("resnet50"), OWN, (224, 224))
    assert found.mean == (0.485, 0.456, 0.406)
    assert (found.shorter_side, found.assumed) == (256, ("mean", "deviation", "resize"))
    assert choose_preprocessing(counterpart_of("resnet50"), OWN, (112, 112)).shorter_side == 128
    assert choose_preprocessing(counterpart_of("googlenet_bn"), OWN, (224, 224)).mean == (0.5, 0.5, 0.5)


def test_torchvisions_published_files_are_recognized_by_their_hash():
    for digits, side in (("11ad3fa6", 232), ("cd907fc2", 232), ("f82ba261", 232), ("0676ba61", 256)):
        found = choose_preprocessing(counterpart_of("resnet50"), digits + "0" * 56, (224, 224))
        assert (found.shorter_side, found.assumed) == (side, ())
        assert found.recognized.endswith("IMAGENET1K_V2" if side == 232 else "IMAGENET1K_V1")


def test_a_stated_preprocessing_is_not_assumed():
    googlenet = counterpart_of("googlenet_bn")
    found = choose_preprocessing(googlenet, OWN, (224, 224), preprocessing="imagenet", resize=232)
    assert (found.mean, found.deviation) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert (found.shorter_side, found.assumed) == (232, ())
    found = choose_preprocessing(googlenet, OWN, (224, 224), preprocessing="unit", mean=(0.1, 0.2, 0.3))
    assert (found.mean, found.deviation) == ((0.1, 0.2, 0.3), (1.0, 1.0, 1.0))
    assert choose_preprocessing(googlenet, OWN, (224, 224), preprocessing="caffe").mean == PREPROCESSINGS["caffe"].mean
    assert choose_preprocessing(googlenet, OWN, (224, 224), mean=(0, 0, 0)).assumed == ("deviation", "resize")
    with pytest.raises(UserError, match="cannot be resized to 200 pixels: the network takes images of 224"):
        choose_preprocessing(googlenet, OWN, (224, 224), resize=200)


def test_a_stated_mean_and_deviation_leave_the_order_of_the_channels_assumed():
    stated = {"mean": (0.5, 0.5, 0.5), "deviation": (0.5, 0.5, 0.5), "resize": 256}
    found = choose_preprocessing(counterpart_of("resnet50", "keras.applications"), OWN, (224, 224), **stated)
    assert (found.channels, found.assumed) == ("BGR", ("channels",))
    found = choose_preprocessing(
        counterpart_of("resnet50", "keras.applications"), OWN, (224, 224), preprocessing="imagenet", **stated
    )
    assert (found.mean, found.channels, found.assumed) == ((0.5, 0.5, 0.5), "RGB", ())
    assert choose_preprocessing(counterpart_of("resnet50"), OWN, (224, 224), **stated).assumed == ()


def test_a_keras_network_trained_on_red_green_blue_keeps_that_order():
    counterpart = counterpart_of("vgg16", "keras.applications")

    def images(counterpart, name):
        return choose_preprocessing(counterpart, OWN, (224, 224), preprocessing=name)

    orders = [images(counterpart, name).channels for name in (None, "caffe", "unit", "imagenet")]
    assert orders == ["BGR", "BGR", "RGB", "RGB"]
    assert images(counterpart_of("vgg16"), "caffe").channels == "RGB"
    network = outline("vgg16", None, 4, **counterpart.options)
    turned = {
        channels: [
            conversion.name for conversion in list_conversions(network, counterpart, channels) if conversion.reversed
        ]
        for channels in ("", "RGB")
    }
    assert turned == {"": ["block1_conv1/kernel"], "RGB": []}
    with pytest.raises(UserError, match=r"There is no preprocessing 'torch'\. Available: imagenet,"):
        images(counterpart, "torch")
