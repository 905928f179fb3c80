import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Cnnzoo

from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.cli.weights import _describe_preprocessing, _print_imported
from cnnzoo.inspection import outline
from cnnzoo.weights import ImportedNetwork, weight_file
from cnnzoo.weights.conversion import list_conversions
from cnnzoo.weights.formats import safetensors_file
from cnnzoo.weights.layer_names import COUNTERPARTS
from cnnzoo.weights.preprocessing import choose_preprocessing


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict of ResNet-18 with three classes."""
    (counterpart,) = (counterpart for counterpart in COUNTERPARTS if counterpart.network == "resnet18")
    generator = np.random.default_rng(0)
    tensors = {
        conversion.name: generator.uniform(0.01, 0.1, conversion.shape).astype("float32")
        for conversion in list_conversions(outline("resnet18", None, 3), counterpart)
    }
    path = tmp_path_factory.mktemp("checkpoint") / "mine.safetensors"
    safetensors_file.write(path, tensors, {})
    return path


@pytest.mark.slow
def test_weights_are_imported_and_exported(cnnzoo: Cnnzoo, checkpoint: Path) -> None:
    Path("names.txt").write_text("cat\ndog\nneither\n")
    done = cnnzoo("weights", "import", "resnet18", checkpoint, "--output", "m.keras", "--class-names", "names.txt")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "torchvision's ResNet-18 from mine.safetensors: 11,178,051 parameters",
        "3 classes: cat, dog, neither",
        "The model normalizes RGB pixels itself: / 255, minus (0.485, 0.456, 0.406), divided by (0.229, 0.224, 0.225)",
        "Photographs: shorter side to 256 pixels, then the centre, 224x224",
        "Assumed: mean and deviation as for torchvision's own weights, since the file does not say; if your training "
        "prepared its images differently, pass --preprocessing, or --mean and --deviation",
        "Assumed: shorter side 256; to change it, pass --resize PIXELS",
        "Next: cnnzoo predict m.keras IMAGE...",
    ]
    described = metadata.read(Path("m.keras"))
    assert described is not None
    assert described.class_names == ("cat", "dog", "neither")
    assert described.sha256 == sha256(checkpoint.read_bytes()).hexdigest()

    done = cnnzoo("weights", "export", "m.keras", "out.pth")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "out.pth: torchvision's ResNet-18, 122 tensors",
        "The file contains only weights. Prepare images yourself: 224x224 RGB pixels, 0 to 255, "
        "minus (123.7, 116.3, 103.5), divided by (58.4, 57.12, 57.38)",
    ]
    with weight_file.open_weight_file(checkpoint) as before, weight_file.open_weight_file(Path("out.pth")) as after:
        assert {name for name in after.tensors if "num_batches" not in name} == set(before.tensors)
        for name, tensor in before.tensors.items():
            assert tensor.values().tobytes() == after.tensors[name].values().tobytes()

    done = cnnzoo("weights", "export", "m.keras", "out.h5")
    assert done.code == 2
    assert done.err.startswith("Error: keras.applications has no network like 'resnet18'; it has vgg16, vgg19,")

    done = cnnzoo("weights", "export", "m.keras", "again.safetensors", "--json")
    assert json.loads(done.out)["tensors"] == 122


def test_json_has_all_facts_of_an_import(cnnzoo: Cnnzoo, checkpoint: Path) -> None:
    Path("names.txt").write_bytes("\ufeffa\r\n\r\nb\r\nc\r\n".encode())
    arguments = ("--output", "m.keras", "--mean", "0.5,0.5,0.5", "--deviation", "0.25,0.25,0.25", "--resize", "232")
    done = cnnzoo("weights", "import", "ResNet18", checkpoint, *arguments, "--class-names", "names.txt", "--json")
    facts = json.loads(done.out)
    assert facts["notes"] == ["names.txt: left out 1 blank line (the first is line 2)"]
    assert (facts["assumed"], facts["channels"], facts["left_out"]) == ([], "RGB", [])
    assert (facts["output"], facts["network"], facts["class_names"]) == ("m.keras", "resnet18", ["a", "b", "c"])
    assert (facts["mean"], facts["deviation"], facts["shorter_side"]) == ([0.5] * 3, [0.25] * 3, 232)


def imported_like(network: str, library: str, file: Path, **stated: Any) -> ImportedNetwork:
    """Return an import for the sentences about it; its network is not used."""
    (counterpart,) = (
        counterpart for counterpart in COUNTERPARTS if (counterpart.network, counterpart.library) == (network, library)
    )
    sha256 = stated.pop("sha256", "0" * 64)
    images = choose_preprocessing(counterpart, sha256, (224, 224), **stated)
    return ImportedNetwork(outline("lenet5"), counterpart, file, ("epoch\nNext: rm", "\x1b[2J"), sha256, images)


def test_the_order_of_the_channels_is_assumed_unless_preprocessing_is_stated() -> None:
    own = {"mean": (0.5, 0.5, 0.5), "deviation": (0.5, 0.5, 0.5), "resize": 256}
    (sentence,) = _describe_preprocessing(imported_like("resnet50", "keras.applications", Path("a.h5"), **own))
    assert sentence.startswith("Assumed: channels in the order blue, green, red, as keras.applications' preprocess")
    assert "pass --preprocessing imagenet, unit or transform_input, and also --mean and --deviation" in sentence
    stated = imported_like("resnet50", "keras.applications", Path("a.h5"), preprocessing="unit", **own)
    assert (_describe_preprocessing(stated), stated.preprocessing.channels) == ([], "RGB")
    assert _describe_preprocessing(imported_like("resnet50", "torchvision", Path("a.pth"), **own)) == []


def test_a_published_file_fills_in_only_what_no_option_states() -> None:
    def sentences(**stated: Any) -> list[str]:
        file = Path("a.pth")
        return _describe_preprocessing(
            imported_like("resnet50", "torchvision", file, sha256="11ad3fa6" + "0" * 56, **stated)
        )

    (sentence,) = sentences()
    assert sentence.startswith("Recognized: torchvision's ResNet-50 IMAGENET1K_V2; the images are prepared as torch")
    assert sentences(preprocessing="unit", resize=256) == []
    assert sentences(resize=256) == [
        "Recognized: torchvision's ResNet-50 IMAGENET1K_V2; mean and deviation as torchvision uses for it"
    ]


def test_names_in_a_file_cannot_write_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    described = Metadata(
        title="t",
        network="n",
        input_shape=(1, 1, 3),
        class_names=("\x1b[31mcat",),
        shorter_side=8,
        source="",
        sha256="",
    )
    _print_imported(imported_like("resnet50", "torchvision", Path("a.pth")), described, Path("m.keras"))
    output = capsys.readouterr().out
    assert "Left out of the file: epoch\\nNext: rm, \\x1b[2J\n" in output
    assert "1 classes: \\x1b[31mcat\n" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vgg16", "FILE", "--output", "m.keras"), "holds torchvision's ResNet-18, which is 'resnet18' here"),
        (("vgg16_bn", "FILE", "--output", "m.keras"), "holds torchvision's ResNet-18, which is 'resnet18' here"),
        (("resnet18", "FILE", "--output", "m.keras", "--resize", "200"), "cannot be resized to 200 pixels"),
        (("resnet18", "FILE", "--output", "m.keras", "--state-dict", "ema"), "has no state dict 'ema'"),
        (
            ("resnet20", "FILE", "--output", "m.keras"),
            "There are no weights for 'resnet20' in torchvision or keras.applications",
        ),
        (("resnet18", "none.pth", "--output", "m.keras"), "There is no file none.pth"),
        (("resnet18", "FILE", "--output", "m.h5"), "--output m.h5: a model file's name must end in .keras"),
        (("resnet18", "FILE", "--output", "there.keras"), "--output there.keras exists already"),
        (("resnet18", "FILE", "--output", "m.keras", "--classes", "10"), "has 3 classes, not 10"),
        (("resnet18", "FILE", "--output", "m.keras", "--class-names", "two.txt"), "There are 2 names of classes, and"),
        (("resnet18", "FILE", "--output", "m.keras", "--mean", "124,117,104"), "must be for pixels scaled to 0..1"),
        (("resnet18", "FILE", "--output", "m.keras", "--mean", "0.5"), "'0.5' is not three numbers"),
    ],
)
def test_a_failed_import_gives_a_one_line_error_and_leaves_no_file(
    arguments: tuple[str, ...], message: str, cnnzoo: Cnnzoo, checkpoint: Path
) -> None:
    Path("two.txt").write_text("cat\ndog\n")
    Path("there.keras").write_text("precious")
    done = cnnzoo("weights", "import", *(str(checkpoint) if word == "FILE" else word for word in arguments))
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert sorted(path.name for path in Path().iterdir()) == ["there.keras", "two.txt"]
    assert Path("there.keras").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.keras", "a.pth"), "There is no model none.keras"),
        (("text.keras", "a.pth"), "text.keras is damaged or is not a model: it is not the zip file"),
        (("folder", "a.pth"), "folder is not a run"),
        (("text.keras", "text.keras"), "text.keras exists already"),
    ],
)
def test_a_failed_export_gives_a_one_line_error_and_leaves_no_file(
    arguments: tuple[str, ...], message: str, cnnzoo: Cnnzoo
) -> None:
    Path("text.keras").write_text("text")
    Path("folder").mkdir()
    done = cnnzoo("weights", "export", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert sorted(path.name for path in Path().iterdir()) == ["folder", "text.keras"]


@pytest.mark.slow
def test_weights_that_are_not_finite_are_refused_by_name(cnnzoo: Cnnzoo, checkpoint: Path) -> None:
    with weight_file.open_weight_file(checkpoint) as before:
        tensors = {name: tensor.values().copy() for name, tensor in before.tensors.items()}
    tensors["fc.weight"][0, :2] = np.nan, -np.inf
    tensors["bn1.running_var"][3] = -0.5
    safetensors_file.write(Path("bad.safetensors"), tensors, {})
    done = cnnzoo("weights", "import", "resnet18", "bad.safetensors", "--output", "m.keras")
    assert (done.code, done.out) == (2, "")
    assert "bad.safetensors: 1 of the 64 variances 'bn1.running_var' are negative, and 1 more tensor" in done.err
    assert not Path("m.keras").exists()
