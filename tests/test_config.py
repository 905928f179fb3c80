import re
from functools import partial
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

import cnnzoo
from cnnzoo import config as configs
from cnnzoo.config import optimizer
from cnnzoo.config.yaml_file import as_yaml, document, read
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
    "a number with a comma between braces": (
        GOOD + "optimizer: {name: adam, learning_rate: 0,004}\n",
        ":5: '004' cannot be a key",
        "A decimal number has a point, not a comma.",
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
    "a number with a zero before it": (GOOD + "seed: 08\n", ":5: seed: '08' is ambiguous; ", "write 8 without zeros"),
    "a sweep file": (
        "config: digits\nmethod: grid\nkeys: {seed: [0, 1]}\n",
        " is a sweep file; ",
        "train its points with: cnnzoo sweep",
    ),
    "a whole number in quotes": (
        GOOD + "training:\n  epochs: '12'\n",
        ":6: training.epochs",
        "write 12 without quotes.",
    ),
    "a number that is larger than any": (
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
    "a section inside another": (GOOD + "training:\n  seed: 3\n", ":6: training.seed", "Did you mean 'seed'?"),
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
    "a shift out of every image": (
        GOOD + "augmentation:\n  shift: 999\n",
        ":6: augmentation.shift",
        "at most 256, not 999",
    ),
    "a mirror that is misspelt": (
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
        "augmentation.resized_crop cuts as well; leave one of them out.",
    ),
    "an interval that is upside down": (
        GOOD + "augmentation:\n  resized_crop:\n    area: [1.0, 0.5]\n",
        ":7: augmentation.resized_crop.area",
        "the least comes first, and 1 is more than 0.5.",
    ),
    "half an interval": (
        GOOD + "augmentation:\n  resized_crop:\n    area: [0.5]\n",
        ":7: augmentation.resized_crop.area",
        "at least 2 values in the list, not [0.5].",
    ),
    "a key of a section in a section": (
        GOOD + "augmentation:\n  elastic: {sigm: 3}\n",
        ":6: augmentation.elastic.sigm",
        "Did you mean 'sigma'?",
    ),
    "smaller images to the end": (
        GOOD + "training:\n  progressive_resizing: {epochs: 3}\n  epochs: 3\n",
        ":6: training.progressive_resizing.epochs",
        "the whole training would see smaller images; training.epochs is 3.",
    ),
    "a mirror by epochs that are parts of epochs": (
        GOOD + "augmentation:\n  mirror: alternating\ntraining:\n  steps_per_epoch: 3\n",
        ":6: augmentation.mirror",
        "leave out training.steps_per_epoch.",
    ),
    "neither of two kinds of values": (
        GOOD + "training:\n  class_weights: 2\n",
        ":6: training.class_weights: ",
        "expected balanced or a list, not 2.",
    ),
    "endless epochs": (
        GOOD + "training:\n  epochs: 1000000000\n",
        ":6: training.epochs",
        "at most 100000, not 1000000000",
    ),
    "thousands of threads": (GOOD + "runtime:\n  threads: 5000\n", ":6: runtime.threads", "at most 1024, not 5000"),
    "an alias of what it stands in": (
        GOOD.replace("model:", "model: &a").replace("lenet5", "lenet5\n  x: *a"),
        ":1: ",
        "aliases (*), anchors (&) and tags (!) are not supported; write the value itself",
    ),
    "a tag": (GOOD + "seed: !!int '3'\n", ":5: ", "tags (!)"),
    "a number with underscores": (GOOD + "training:\n  epochs: 1_000\n", ":6: training.epochs: '1_000'", "decimal"),
    "an octal number": (GOOD + "training:\n  epochs: 010\n", ":6: training.epochs: '010'", "plain decimal number"),
    "a number of base 16": (GOOD + "training:\n  epochs: 0x10\n", ":6: training.epochs: '0x10'", "decimal"),
    "a number of base 60": (GOOD + "training:\n  epochs: 1:30\n", ":6: training.epochs: '1:30'", "decimal"),
    "a fraction of base 60": (GOOD + "seed: 1:30.5\n", ":5: seed: '1:30.5'", "decimal"),
    "a number too long to read": (GOOD + f"seed: {'9' * 5000}\n", ":5: seed: '999", "decimal"),
    "a no that means false": (
        GOOD + "training:\n  tensorboard: no\n",
        ":6: training.tensorboard: 'no'",
        "true or false",
    ),
    "an impossible date": (GOOD + "seed: 2020-99-01\n", ":5: seed: '2020-99-01'", "quotes"),
    "a list without end": (GOOD + f"seed: {'[' * 3000}\n", ":1: ", "nested too deeply"),
    "a character that is none": (GOOD + "seed: \x00\n", ":5: ", "does not allow"),
    "a key written twice": (GOOD + "seed: 1\nseed: 2\n", ":6: the key 'seed'", "appears twice"),
    "a list": ("- lenet5\n", ":1: ", "sections, such as 'model: {name: lenet5}'"),
    "broken YAML": (GOOD + "training: [\n", ":6: ", "not valid YAML"),
    "nothing": ("", " is empty", "model and data"),
    "only remarks": ("# later\n", " is empty", "model and data"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_line_key_and_remedy(mistake, tmp_path):
    text, place, remedy = MISTAKES[mistake]
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as told:
        configs.load(path)
    assert str(told.value).startswith(f"{path}{place.replace(':', ', line ', 1) if place[0] == ':' else place}")
    assert remedy in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("key", ["1", "1.5", "null", "true", "on", "2020-01-01", "<<", "? [a]\n ", "? {a: 1}\n "])
@pytest.mark.parametrize("section", ["model", "data", "optimizer", "training"])
def test_a_key_that_is_no_text_is_named_with_its_line(key, section, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(f"# 1\n# 2\n{section}:\n {key}: 3\n")
    with pytest.raises(UserError) as told:
        configs.load(path)
    shown = "a list or a section" if "?" in key else f"'{key}'"
    assert str(told.value) == f"{path}, line 4: {shown} cannot be a key; keys are names, such as seed."


def test_aliases_that_stand_for_billions_of_values_are_refused_at_once(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [{'*a, ' * 9}]\n" for n in range(9)))
    with pytest.raises(UserError, match="line 1: YAML's aliases"):
        configs.load(path)


def test_numbers_and_truths_that_look_like_themselves_are_taken(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        GOOD
        + "training: {epochs: +12, tensorboard: True, label_smoothing: .5e-1, ema_decay: ~}\n"
        + "preprocessing: {mean: [-0.5], deviation: 1.0e-01}\n"
    )
    config = configs.load(path)
    assert config.training == configs.Config.model_fields["training"].default.model_copy(
        update={"epochs": 12, "tensorboard": True, "label_smoothing": 0.05}
    )
    assert (config.preprocessing.mean, config.preprocessing.deviation) == ([-0.5], 0.1)


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "+1e-4", "1.e-4", ".1e-3", "0.1e-3", "1.0e-04", "0.0001"])
def test_a_number_may_have_an_exponent(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_text(GOOD + f"optimizer: {{name: adam, learning_rate: {text}}}\n")
    assert configs.load(path).optimizer.learning_rate == 1e-4
    settings = ["optimizer.name=adam", f"optimizer.learning_rate={text}"]
    assert configs.load(path, settings).optimizer.learning_rate == 1e-4


@pytest.mark.parametrize(
    "value", ["1e-4", "1E9", "+.5e3", "1e", "e4", "0.5", 1e-5, 1e16, 3, None, {"a": ["2e2", True]}]
)
def test_what_is_written_reads_back_as_the_same(tmp_path, value):
    path = tmp_path / "a.yaml"
    path.write_text(f"value: {as_yaml(value)}\n")
    assert read(path)[1] == {"value": value}
    path.write_text(document({"value": value}))
    assert read(path)[1] == {"value": value}


def test_every_mistake_is_told_at_once(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(GOOD.replace("lenet5", "lenet6") + "seed: x\n")
    with pytest.raises(UserError) as told:
        configs.load(path)
    assert len(str(told.value).splitlines()) == 2


@pytest.mark.parametrize("content", [b"\x80\x81\xff\x00" * 99, b"model: \x00\n", "model: ä".encode("utf-16")])
def test_a_binary_file_is_no_config(content, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match="text file"):
        configs.load(path)


def test_settings_override_the_file_and_name_themselves_when_wrong(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(GOOD)
    config = configs.load(path, ["optimizer={name: sgd, momentum: 0.8}", "optimizer.learning_rate=0.5", "seed=7"])
    assert (config.optimizer.name, config.optimizer.momentum, config.optimizer.learning_rate) == ("sgd", 0.8, 0.5)
    assert config.seed == 7
    for setting, message in {
        "seed": "--set seed: write it as",
        "sed=1": "--set sed=1: there is no such key. Did you mean 'seed'?",
        "seed.x=1": "--set seed.x=1: seed: expected a whole number, not {x: 1}.",
        "model.name.x=1": "--set model.name.x=1: 'name' is a value",
        "training.epochs=ten": "--set training.epochs=ten: expected a whole number, not 'ten'.",
        "seed=[": "--set seed=[: this is not valid YAML: ",
        "epochs=1": "--set epochs=1: there is no such key. Did you mean 'training.epochs'?",
        "seed=&a [*a]": "--set seed=&a [*a]: YAML's aliases (*)",
        "seed=010": "--set seed=010: '010' is ambiguous; write a plain decimal number",
        "training={1: 2}": "--set training={1: 2}: '1' cannot be a key",
        "training={epochs: 1, epochs: 2}": "--set training={epochs: 1, epochs: 2}: the key 'epochs' appears twice",
        "optimizer.learning_rate=0.1": "--set optimizer.learning_rate=0.1: optimizer: this section needs a name: sgd",
    }.items():
        with pytest.raises(UserError) as told:
            configs.load(path, [setting])
        assert str(told.value).startswith(message)


def test_a_resolved_config_loads_to_itself(tmp_path):
    config = configs.load("lenet", ["optimizer.learning_rate=0.00001", "training.ema_decay=0.999"])
    path = tmp_path / "resolved.yaml"
    path.write_text(config.to_yaml())
    assert configs.load(path) == config


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
def test_what_is_replaced_is_checked(changes):
    with pytest.raises(ValidationError):
        configs.load("lenet").replaced(**changes)


def test_a_config_with_nothing_replaced_is_the_same():
    config = configs.load("lenet")
    assert config.replaced() == config
    assert config.replaced(seed=3).model.options == {"activation": "relu", "pooling": "max"}


def test_a_model_of_another_project_is_known_once_it_is_registered(tmp_path):
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


def test_a_file_here_goes_before_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("lenet.yaml").write_text(GOOD)
    assert configs.load("lenet").data.name == "digits"
    assert configs.load("lenet.yaml").data.name == "digits"
    Path("lenet.yaml").unlink()
    assert configs.load("lenet").data.name == "mnist"
    with pytest.raises(
        UserError, match=r"no config lenett, neither here nor among the shipped ones. Did you mean 'lenet'"
    ):
        configs.load("lenett")


def test_the_schema_accepts_every_shipped_config_and_refuses_a_misspelt_one():
    validator = jsonschema.Draft202012Validator(configs.schema())
    for path in configs.list_shipped().values():
        values = yaml.safe_load(path.read_text())
        assert list(validator.iter_errors(values)) == []
        values["model"]["poling"] = "max"
        assert list(validator.iter_errors(values)) != []


def test_the_schema_knows_the_keys_of_each_kind_of_data():
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


def test_a_mistake_that_is_found_late_is_blamed_on_its_file_and_line(tmp_path):
    path = tmp_path / "late.yaml"
    path.write_text("model: {name: lenet5}\ndata:\n  name: digits\n  validation: 9\n")
    config = configs.load(path, ["training.epochs=3"]).replaced(seed=1)
    for key, place in (
        ("data.validation", f"{path}, line 4: data.validation"),
        ("data", f"{path}, line 2: data"),
        ("training.epochs", "--set training.epochs=3"),
        ("optimizer.learning_rate", "optimizer.learning_rate"),
    ):
        with pytest.raises(UserError, match=re.escape(f"{place}: it is too small.")), config.at_key(key):
            raise UserError("it is too small.")
