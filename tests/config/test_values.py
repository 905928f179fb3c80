"""Which values a config may have, and the configs of the package."""

from functools import partial

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

import cnnzoo
from cnnzoo import config as configs
from cnnzoo.config import optimizer
from cnnzoo.errors import UserError

GOOD = "model:\n  name: lenet5\ndata:\n  name: digits\n"

MISTAKES = {
    "an unknown section": (GOOD + "trainng: {}\n", ":5: trainng", "Did you mean 'training'?"),
    "an unknown key": (GOOD + "training:\n  epoch: 3\n", ":6: training.epoch", "Did you mean 'epochs'?"),
    "another optimizer's key": (GOOD + "optimizer:\n  name: adam\n  momentum: 0.9\n", ":7: optimizer.momentum", "adam"),
    "a wrong type": (GOOD + "training:\n  epochs: many\n", ":6: training.epochs", "whole number, not 'many'"),
    "a fraction of an epoch": (GOOD + "training:\n  epochs: 2.5\n", ":6: training.epochs", "whole number, not 2.5"),
    "a number out of range": (
        GOOD + "training:\n  label_smoothing: 1.0\n",
        ":6: training.label_smoothing",
        "less than",
    ),
    "no value": (GOOD + "training:\n  epochs: ~\n", ":6: training.epochs", "whole number; the value is missing."),
    "a number with a comma": (
        GOOD + "optimizer:\n  name: adam\n  learning_rate: 0,004\n",
        ":7: optimizer.learning_rate",
        "'0,004' is text, not a number; write 0.004 with a point.",
    ),
    "no images to validate on": (
        GOOD + "  validation: 0\n",
        ":5: data.validation",
        "expected a number of images from 1 up, or a fraction between 0 and 1, not 0.",
    ),
    "one side of an image": (
        "model: {name: lenet5}\ndata: {name: folder, path: a, size: [32]}\n",
        ":2: data.size",
        "expected pixels from 1 to 4096, of each side or as [height, width], not [32].",
    ),
    "a number in quotes": (
        GOOD + "optimizer:\n  name: adam\n  learning_rate: '1e-4'\n",
        ":7: optimizer.learning_rate",
        "'1e-4' is text, not a number; write 0.0001 without quotes.",
    ),
    "true in quotes": (
        GOOD + 'augmentation: {mirror: "true"}\n',
        ":5: augmentation.mirror: 'true' is text; ",
        "write true without quotes.",
    ),
    "a whole number in quotes": (
        GOOD + "training:\n  epochs: '12'\n",
        ":6: training.epochs",
        "write 12 without quotes.",
    ),
    "a number that is too large": (
        GOOD + "optimizer:\n  name: adam\n  learning_rate: 1e999\n",
        ":7: optimizer.learning_rate",
        "finite number, not inf",
    ),
    "an unknown model": (GOOD.replace("lenet5", "lennet5"), ":2: model.name", "Did you mean 'lenet5'?"),
    "a model of another program": (GOOD.replace("lenet5", "zzz"), ":2: model.name", "exists only in that program."),
    "an unknown option": (GOOD.replace("lenet5", "lenet5\n  pool: max"), ":3: model.pool", "Did you mean 'pooling'?"),
    "a wrong option": (
        GOOD.replace("lenet5", "lenet5\n  pooling: min"),
        ":3: model.pooling",
        "pooling must be 'average' or 'max', not 'min'.",
    ),
    "an option's number in quotes": (
        "model: {name: alexnet, dropout: '0.5'}\ndata: {name: digits}\n",
        ":1: model.dropout",
        "dropout must be a number, not '0.5'; write 0.5 without quotes.",
    ),
    "an unknown data set": (GOOD.replace("digits", "digit"), ":4: data.name", "Did you mean 'digits'?"),
    "an unknown optimizer": (GOOD + "optimizer:\n  name: sdg\n", ":6: optimizer.name", "Did you mean 'sgd'?"),
    "a section without its name": (GOOD + "optimizer:\n  learning_rate: 0.1\n", ":5: optimizer", "needs a name"),
    "a missing section": ("model:\n  name: lenet5\n", ":1: data", "missing"),
    "a value in place of a section": (GOOD + "training: 3\n", ":5: training", "section"),
    "a value in place of an augmentation's section": (
        GOOD + "augmentation:\n  elastic: 8\n",
        ":6: augmentation.elastic",
        "which has keys with values. Its keys: alpha, sigma; {} uses their defaults.",
    ),
    "a key that belongs elsewhere": (GOOD + "epochs: 3\n", ":5: epochs", "Did you mean 'training.epochs'?"),
    "a network's option outside it": (GOOD + "pooling: max\n", ":5: pooling", "Did you mean 'model.pooling'?"),
    "a top-level key inside a section": (GOOD + "training:\n  seed: 3\n", ":6: training.seed", "Did you mean 'seed'?"),
    "a key that belongs to several": (GOOD + "name: x\n", ":5: name", "'model.name' or 'data.name' or "),
    "a key with a dot": (GOOD + "training.epochs: 3\n", ":5: training.epochs", "without dots"),
    "a wrong value in a list": (
        GOOD + "preprocessing:\n  mean:\n  - 0.1\n  - .inf\n",
        ":8: preprocessing.mean.1",
        "finite number, not inf",
    ),
    "a mean of pixels in 0 to 255": (
        GOOD + "preprocessing:\n  mean: 33.3\n",
        ":6: preprocessing.mean",
        "at most 10, not 33.3",
    ),
    "a warm-up as long as the training": (
        GOOD + "schedule:\n  name: cosine\n  warmup_epochs: 3\ntraining:\n  epochs: 3\n",
        ":7: schedule.warmup_epochs",
        "3 epochs of warm-up are not less than the whole training of 3 epochs.",
    ),
    "a shift larger than every image": (
        GOOD + "augmentation:\n  shift: 999\n",
        ":6: augmentation.shift",
        "at most 256, not 999",
    ),
    "a misspelt mirror": (
        GOOD + "augmentation:\n  mirror: alternate\n",
        ":6: augmentation.mirror",
        "Did you mean 'alternating'?",
    ),
    "a mirror that is neither true nor false": (
        GOOD + "augmentation:\n  mirror: 3\n",
        ":6: augmentation.mirror",
        "expected false or true or alternating, not 3.",
    ),
    "two crops": (
        GOOD + "augmentation:\n  resized_crop: {}\n  crop: 4\n",
        ":7: augmentation.crop",
        "augmentation.resized_crop is a crop too; leave one of them out.",
    ),
    "a range in the wrong order": (
        GOOD + "augmentation:\n  resized_crop:\n    area: [1.0, 0.5]\n",
        ":7: augmentation.resized_crop.area",
        "the smaller number comes first, but 1 is more than 0.5.",
    ),
    "half a range": (
        GOOD + "augmentation:\n  resized_crop:\n    area: [0.5]\n",
        ":7: augmentation.resized_crop.area",
        "at least 2 values in the list, not [0.5].",
    ),
    "a key of a section in a section": (
        GOOD + "augmentation:\n  elastic: {sigm: 3}\n",
        ":6: augmentation.elastic.sigm",
        "Did you mean 'sigma'?",
    ),
    "smaller images in all epochs": (
        GOOD + "training:\n  progressive_resizing: {epochs: 3}\n  epochs: 3\n",
        ":6: training.progressive_resizing.epochs",
        "the whole training would see smaller images; training.epochs is 3.",
    ),
    "an alternating mirror with incomplete epochs": (
        GOOD + "augmentation:\n  mirror: alternating\ntraining:\n  steps_per_epoch: 3\n",
        ":6: augmentation.mirror",
        "leave out training.steps_per_epoch.",
    ),
    "neither of two types of values": (
        GOOD + "training:\n  class_weights: 2\n",
        ":6: training.class_weights: ",
        "expected balanced or a list, not 2.",
    ),
    "too many epochs": (
        GOOD + "training:\n  epochs: 1000000000\n",
        ":6: training.epochs",
        "at most 100000, not 1000000000",
    ),
    "thousands of threads": (GOOD + "runtime:\n  threads: 5000\n", ":6: runtime.threads", "at most 1024, not 5000"),
}


@pytest.mark.parametrize(("text", "place", "remedy"), MISTAKES.values(), ids=MISTAKES)
def test_an_error_about_a_value_states_line_key_and_remedy(text, place, remedy, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        configs.load(path)
    assert str(raised.value).startswith(f"{path}{place.replace(':', ', line ', 1) if place[0] == ':' else place}")
    assert remedy in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": -1},
        {"training": 3},
        {"trainng": configs.Config.model_fields["training"].default},
        {"runtime": configs.Config.model_fields["runtime"].default.model_copy(update={"threads": 0})},
        {"schedule": optimizer.CosineSection(name="cosine", warmup_epochs=99.0)},
    ],
)
def test_replaced_values_are_checked(changes):
    with pytest.raises(ValidationError):
        configs.load("lenet").replaced(**changes)


def test_the_text_of_a_config_contains_its_replaced_values():
    config = configs.load("digits")
    changed = config.replaced(training=config.training.model_copy(update={"epochs": 9}))
    assert yaml.safe_load(changed.text)["training"]["epochs"] == 9
    assert yaml.safe_load(config.text)["training"]["epochs"] != 9


def test_a_config_with_nothing_replaced_is_the_same():
    config = configs.load("lenet")
    assert config.replaced() == config
    assert config.replaced(seed=3).model.options == {"activation": "relu", "pooling": "max"}


def test_a_network_of_another_project_can_be_used_after_it_is_registered(tmp_path):
    def mine(column, input_shape=(28, 28, 1), num_classes=10, *, width=3):
        """Never built here."""

    cnnzoo.register("mine")(partial(mine, "A"))
    path = tmp_path / "a.yaml"
    path.write_text("model:\n  name: mine\n  width: 2\ndata: {name: digits}\n")
    assert configs.load(path).model.options == {"width": 2}
    with pytest.raises(UserError, match=r"model\.widht=3: mine has no option 'widht'\. Did you mean 'width'"):
        configs.load(path, ["model.widht=3"])
    with pytest.raises(UserError, match=r"no network named 'min'\. Did you mean 'mine'?"):
        configs.load(path, ["model.name=min"])


def test_the_schema_accepts_every_shipped_config_and_refuses_a_misspelt_one():
    validator = jsonschema.Draft202012Validator(configs.schema())
    for path in configs.list_shipped().values():
        values = yaml.safe_load(path.read_text())
        assert list(validator.iter_errors(values)) == []
        values["model"]["poling"] = "max"
        assert list(validator.iter_errors(values)) != []


def test_the_schema_has_the_keys_of_each_kind_of_data():
    validator = jsonschema.Draft202012Validator(configs.schema())
    for section, right in (
        ({"name": "cifar10", "validation": 5000}, True),
        ({"name": "cifar10", "labels": "coarse"}, False),
        ({"name": "cifar100", "labels": "coarse"}, True),
        ({"name": "folder", "path": "photos", "size": [48, 64], "broken": "skip"}, True),
        ({"name": "folder"}, False),
    ):
        errors = list(validator.iter_errors({"model": {"name": "lenet5"}, "data": section}))
        assert (errors == []) == right, section


@pytest.mark.parametrize("name", configs.list_shipped())
def test_every_config_states_command_and_claim(name):
    path = configs.list_shipped()[name]
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any(line.startswith(f"#   cnnzoo train --config {path.name}") for line in header)
    assert any("%" in line for line in header)
    configs.load(path)


@pytest.mark.parametrize("name", configs.list_shipped())
def test_every_config_builds_for_its_data(name, photos):
    from cnnzoo.training.checks import check_config

    own_images = configs.load(name).data.name == "folder"
    check_config(configs.load(name, [f"data.path={photos}"] if own_images else []))
