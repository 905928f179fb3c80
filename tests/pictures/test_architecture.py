import re
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import keras
import matplotlib as mpl
import pytest
from keras import layers
from PIL import Image
from toys import outline

import cnnzoo.models.alexnet
import cnnzoo.models.alphago
import cnnzoo.models.googlenet
import cnnzoo.models.lecture
import cnnzoo.models.lenet
import cnnzoo.models.resnet
import cnnzoo.models.vgg  # noqa: F401 - registers
from cnnzoo.errors import UserError
from cnnzoo.inspection import inspect
from cnnzoo.pictures.architecture import draw_architecture
from cnnzoo.pictures.architecture.blocks import TIMES
from cnnzoo.pictures.architecture.canvas import measure_text
from cnnzoo.pictures.architecture.graph import Branches, Chain, Repetition, list_blocks, read_chain

# No backend computes here: what Keras knows of a network's layers is all that is read.
pytestmark = [pytest.mark.slow, pytest.mark.backend("tensorflow")]

SVG = "{http://www.w3.org/2000/svg}"


class Picture:
    """What an SVG says and shows."""

    def __init__(self, path: Path) -> None:
        self.root = ET.fromstring(path.read_text(encoding="utf-8"))
        self.texts = [(element.text or "").strip() for element in self.root.iter(f"{SVG}text")]
        self.ids = {element.get("id") or "" for element in self.root.iter(f"{SVG}g")}

    @property
    def slide(self) -> tuple[float, float]:
        _, _, width, height = map(float, (self.root.get("viewBox") or "").split())
        return width, height

    def ending(self, end: str) -> list[str]:
        return sorted(name for name in self.ids if name.endswith(end))

    def text_boxes(self) -> list[tuple[float, float, float, float]]:
        """Return left, right, top and base line of every text."""
        boxes = []
        for element in self.root.iter(f"{SVG}text"):
            style, text = element.get("style") or "", element.text or ""
            size = float(re.findall(r"font-size: ([\d.]+)px", style)[0])
            x, y = float(element.get("x") or 0), float(element.get("y") or 0)
            width = 72 * measure_text(text, size, bold="font-weight: 700" in style)
            left = x - width * {"start": 0, "middle": 0.5, "end": 1}[re.findall(r"text-anchor: (\w+)", style)[0]]
            boxes.append((left, left + width, y - 0.75 * size, y))
        return boxes

    def corners(self, name: str) -> list[tuple[float, float]]:
        """Return the corners of the first outline of a name, in points; y runs downwards."""
        group = next(element for element in self.root.iter(f"{SVG}g") if element.get("id") == name)
        outline = next(group.iter(f"{SVG}path")).get("d") or ""
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", outline)]
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def size(self, name: str) -> tuple[float, float]:
        """Return the width and the height of a cuboid's front."""
        xs, ys = zip(*self.corners(name), strict=True)
        return max(xs) - min(xs), max(ys) - min(ys)


def drawn(folder: Path, model: keras.Model, **how: Any) -> Picture:
    draw_architecture(model, folder / "picture.svg", title=model.name, **how)
    return Picture(folder / "picture.svg")


def repetitions(chain: Chain) -> dict[str, int]:
    return {link.names[0]: len(link.names) for link in chain if isinstance(link, Repetition)}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lenet5", {}),
        ("lenet5_1998", {}),
        ("alexnet", {}),
        ("vgg16", {}),
        ("googlenet", {"auxiliary_heads": True}),
        ("googlenet_small", {}),
        ("resnet18", {}),
        ("resnet20", {}),
        ("alphago_policy", {}),
        ("lecture_chollet", {}),
    ],
)
def test_every_layer_with_weights_and_every_pooling_is_drawn_with_name_and_shape(
    tmp_path: Path, name: str, options: dict[str, bool]
) -> None:
    model = outline(name, **options)
    picture = drawn(tmp_path, model, full=True)
    rows = [row for row in inspect(model).rows if row.kind != "BatchNormalization"]
    rows = [row for row in rows if row.kind == "Input" or row.parameters or "Pooling" in row.kind]
    assert len(rows) > 5
    for row in rows:
        assert row.name in picture.ids
        assert any(text and row.name.endswith(text) for text in picture.texts), row.name
        if not row.name.endswith("_subsample"):  # its zeros come from the layer behind it
            assert "x".join(map(str, row.output_shape)) in picture.texts, row.name


def test_the_title_the_caption_and_the_counts_are_drawn(tmp_path: Path) -> None:
    texts = drawn(tmp_path, outline("lenet5"), caption="LeCun et al., 1998.").texts
    assert {"lenet5", "LeCun et al., 1998.", "61,706 parameters, 416,520 MACs"} <= set(texts)


def test_an_inception_module_has_four_branches_one_above_the_other(tmp_path: Path) -> None:
    picture = drawn(tmp_path, outline("googlenet"))
    modules = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    assert picture.ending("_frame") == [f"inception_{module}_frame" for module in modules]
    assert len([name for name in picture.ids if "_branch_" in name]) == 9 * 4
    lanes = [picture.corners(f"inception_3a_{last}")[0][1] for last in ("1x1", "3x3", "5x5", "pool_proj")]
    assert all(below > above for above, below in pairwise(lanes))
    assert picture.corners("inception_3a")[0][0] > picture.corners("inception_3a_3x3")[0][0]


def test_heads_branch_off_if_the_network_has_them(tmp_path: Path) -> None:
    with_heads = drawn(tmp_path, outline("googlenet_small", auxiliary_heads=True))
    assert {"auxiliary1_linear", "auxiliary2_linear"} <= set(with_heads.texts)
    assert with_heads.texts.count(f"loss {TIMES} 0.3") == 2
    assert not any("auxiliary" in block.name for block in list_blocks(read_chain(outline("googlenet_small"))))


def test_every_shortcut_is_drawn_and_a_projection_is_a_block_on_it(tmp_path: Path) -> None:
    picture = drawn(tmp_path, outline("resnet18"), full=True)
    modules = [f"conv{stage}_{block}" for stage in range(2, 6) for block in (1, 2)]
    assert picture.ending("_shortcut_line") == [f"{module}_shortcut_line" for module in modules]
    assert picture.ending("_shortcut") == ["conv3_1_shortcut", "conv4_1_shortcut", "conv5_1_shortcut"]
    assert picture.texts.count("shortcut") == 3


def test_a_shortcut_without_weights_says_what_it_does(tmp_path: Path) -> None:
    texts = drawn(tmp_path, outline("resnet20")).texts
    assert texts.count("subsampling /2") == texts.count("zero-padded") == 2
    assert "16x16x32" in texts


def test_equal_blocks_are_folded_into_one_with_their_number(tmp_path: Path) -> None:
    folded = read_chain(outline("resnet152"))
    assert repetitions(folded) == {"conv2_2": 2, "conv3_2": 7, "conv4_2": 35, "conv5_2": 2}
    assert repetitions(read_chain(outline("resnet56"))) == {"conv2_1": 9, "conv3_2": 8, "conv4_2": 8}
    model = outline("alphago_policy")
    texts = drawn(tmp_path, model).texts
    assert {"conv2 … conv12", f"{TIMES} 11"} <= set(texts)
    assert "conv3" not in texts
    assert {f"conv{number}" for number in range(1, 14)} <= set(drawn(tmp_path, model, full=True).texts)


def test_layers_that_differ_are_not_folded() -> None:
    assert repetitions(read_chain(outline("vgg16"))) == {}
    x = images = keras.Input((8, 8, 4))
    for number, filters in enumerate([4, 4, 4, 4, 4, 8, 8, 8, 8], start=1):
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="zeros", name=f"conv{number}")(x)
    # The sixth takes four maps, the others of its width eight.
    assert repetitions(read_chain(keras.Model(images, x))) == {"conv1": 5}


def test_a_box_is_as_high_and_as_wide_as_the_roots_of_its_map(tmp_path: Path) -> None:
    picture = drawn(tmp_path, outline("lecture_keras"))
    (_, image), (wide, high), (twice_as_wide, half) = map(picture.size, ("images", "pool1", "pool2"))
    assert image / high == pytest.approx(2**0.5, rel=0.01)
    assert high / half == pytest.approx(2**0.5, rel=0.01)
    assert twice_as_wide / wide == pytest.approx(2**0.5, rel=0.01)


def test_the_legend_explains_only_what_is_drawn(tmp_path: Path) -> None:
    texts = drawn(tmp_path, outline("resnet20")).texts
    assert {"convolution", "pooling", "batch normalization", "addition", "dense", "ReLU"} <= set(texts)
    assert not {"concatenation", "dropout", "tanh", "normalization"} & set(texts)
    texts = drawn(tmp_path, outline("alexnet")).texts
    assert {"normalization", "dropout", "dropout 0.5", "2 groups", "11x11 /4", "flatten", "9216"} <= set(texts)


def test_the_picture_is_a_slide_of_16_to_9(tmp_path: Path) -> None:
    draw_architecture(outline("lenet5"), tmp_path / "deep" / "lenet5.png", title="lenet5")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["lenet5.png"]
    with Image.open(tmp_path / "deep" / "lenet5.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (3200, 1800))
    width, height = drawn(tmp_path, outline("vgg16")).slide
    assert width / height == pytest.approx(16 / 9)


@pytest.mark.parametrize("name", ["lenet5_1998", "alexnet", "vgg19", "googlenet", "resnet50", "resnet20"])
def test_no_text_overlaps_another_or_the_edge_of_the_slide(tmp_path: Path, name: str) -> None:
    picture = drawn(tmp_path, outline(name), caption="A long caption " * 12)
    width, height = picture.slide
    boxes = picture.text_boxes()
    assert all(0 < left < right < width and 0 < top < bottom < height for left, right, top, bottom in boxes)
    for one, two in combinations(boxes, 2):
        apart = one[1] <= two[0] or two[1] <= one[0] or one[3] <= two[2] or two[3] <= one[2]
        assert apart, (name, one, two)


@pytest.mark.parametrize(("name", "suffix"), [("resnet20", "svg"), ("lenet5", "png")])
def test_the_same_network_gives_the_same_bytes(tmp_path: Path, name: str, suffix: str) -> None:
    for number in (1, 2):
        draw_architecture(outline(name), tmp_path / f"{number}.{suffix}", title=name)
    assert (tmp_path / f"1.{suffix}").read_bytes() == (tmp_path / f"2.{suffix}").read_bytes()


def test_drawing_leaves_the_settings_of_matplotlib_alone(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    drawn(tmp_path, outline("lenet5"))
    assert dict(mpl.rcParams) == before


def test_a_network_without_classes_ends_at_the_features(tmp_path: Path) -> None:
    texts = drawn(tmp_path, outline("lecture_chollet", num_classes=0)).texts
    assert "logits" not in texts
    assert {"features", "1152"} <= set(texts)


def test_images_need_not_be_square(tmp_path: Path) -> None:
    picture = drawn(tmp_path, outline("vgg11_small", (32, 64, 3)))
    assert "32x64x3" in picture.texts


def test_dense_connections_and_branches_within_branches_are_drawn(tmp_path: Path) -> None:
    def convolution(x: Any, filters: int, name: str) -> Any:
        return layers.Conv2D(filters, 1, kernel_initializer="zeros", name=name)(x)

    images = keras.Input((8, 8, 3), name="images")
    dense = layers.Concatenate(name="dense")([images, convolution(images, 4, "one")])
    fork = convolution(dense, 5, "fork")
    inner = layers.Add(name="inner")([fork, convolution(fork, 5, "two")])
    outer = layers.Add(name="outer")([dense, convolution(inner, 7, "three"), convolution(dense, 7, "four")])
    model = keras.Model(images, outer)
    [_, first, second] = read_chain(model)
    assert isinstance(first, Branches)
    assert isinstance(second, Branches)
    assert [len(branch) for branch in (*first.branches, *second.branches)] == [0, 1, 0, 3, 1]
    assert {"one", "dense", "fork", "two", "inner", "three", "four", "outer"} <= drawn(tmp_path, model).ids


def _two_inputs() -> keras.Model:
    ends = [keras.Input((4, 4, 1)), keras.Input((4, 4, 1))]
    return keras.Model(ends, layers.Add()(ends), name="pair")


def _nested() -> keras.Model:
    images = keras.Input((4, 4, 1))
    return keras.Model(images, keras.Sequential([layers.Conv2D(1, 1)])(images), name="outer")


def _shared() -> keras.Model:
    images, again = keras.Input((4, 4, 1)), layers.Conv2D(1, 1)
    return keras.Model(images, again(again(images)), name="recurrent")


def _crossing() -> keras.Model:
    images = keras.Input((4, 4, 1))
    a, b = layers.Conv2D(1, 1, name="a")(images), layers.Conv2D(1, 1, name="b")(images)
    c, d = layers.Add(name="c")([a, b]), layers.Conv2D(1, 1, name="d")(b)
    return keras.Model(images, layers.Add(name="end")([c, d]), name="crossing")


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (_two_inputs, "'pair' has 2 inputs; only networks with one can be drawn."),
        (_nested, "'outer' nests a model or calls a layer twice, and cannot be drawn."),
        (_shared, "'recurrent' nests a model or calls a layer twice, and cannot be drawn."),
        (_crossing, "cannot be drawn."),
    ],
)
def test_a_network_that_cannot_be_drawn_is_refused_without_a_file(
    tmp_path: Path, model: Callable[[], keras.Model], sentence: str
) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        draw_architecture(model(), tmp_path / "picture.svg", title="")
    assert list(tmp_path.iterdir()) == []


def test_blocks_contain_the_small_layers_behind_them() -> None:
    first, conv1, *_ = list_blocks(read_chain(outline("resnet20")))
    assert (first.kind, conv1.kind) == ("input", "convolution")
    assert conv1.names == ("conv1", "bn1", "relu1")
    assert conv1.traits == (("normalization", "batch normalization"), ("activation", "ReLU"))
