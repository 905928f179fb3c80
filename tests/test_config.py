from pathlib import Path

import jsonschema
import pytest
import yaml

from cnnzoo import config as configs
from cnnzoo.errors import UserError

GOOD = "model:\n  name: lenet5\ndata:\n  name: digits\n"

MISTAKES = {
    "an unknown section": (GOOD + "trainng: {}\n", ":5: trainng", "Did you mean 'training'?"),
    "an unknown key": (GOOD + "training:\n  epoch: 3\n", ":6: training.epoch", "Did you mean 'epochs'?"),
    "another optimizer's key": (GOOD + "optimizer:\n  name: adam\n  momentum: 0.9\n", ":7: optimizer.momentum", "adam"),
    "a wrong type": (GOOD + "training:\n  epochs: many\n", ":6: training.epochs", "integer, not 'many'"),
    "a fraction of an epoch": (GOOD + "training:\n  epochs: 2.5\n", ":6: training.epochs", "integer, not 2.5"),
    "a number out of range": (
        GOOD + "training:\n  label_smoothing: 1.0\n",
        ":6: training.label_smoothing",
        "less than",
    ),
    "a number that YAML reads as text": (
        GOOD + "optimizer:\n  name: adam\n  learning_rate: 1e-4\n",
        ":7: optimizer.learning_rate",
        "'1e-4' is text in YAML, not a number; write 0.0001.",
    ),
    "a small number that YAML reads as text": (
        GOOD + "optimizer:\n  name: adam\n  epsilon: 1e-8\n",
        ":7: optimizer.epsilon",
        "write 1.0e-08.",
    ),
    "an unknown model": (GOOD.replace("lenet5", "lennet5"), ":2: model.name", "Did you mean 'lenet5'?"),
    "an unknown option": (GOOD.replace("lenet5", "lenet5\n  pool: max"), ":3: model.pool", "Did you mean 'pooling'?"),
    "a wrong option": (
        GOOD.replace("lenet5", "lenet5\n  pooling: min"),
        ":3: model.pooling",
        "'min' is not known here",
    ),
    "an unknown data set": (GOOD.replace("digits", "digit"), ":4: data.name", "Did you mean 'digits'?"),
    "an unknown optimizer": (GOOD + "optimizer:\n  name: sdg\n", ":5: optimizer", "Did you mean 'sgd'?"),
    "a section without its name": (GOOD + "optimizer:\n  learning_rate: 0.1\n", ":5: optimizer", "needs a name"),
    "a missing section": ("model:\n  name: lenet5\n", ":1: data", "missing"),
    "a value in place of a section": (GOOD + "training: 3\n", ":5: training", "section"),
    "a key written twice": (GOOD + "seed: 1\nseed: 2\n", ":6: the key 'seed'", "second time"),
    "a list": ("- lenet5\n", ":1: ", "section: ..."),
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
        "sed=1": "--set sed=1: sed: there is no such key. Did you mean 'seed'?",
        "seed.x=1": "--set seed.x=1: seed",
        "model.name.x=1": "--set model.name.x=1: 'name' is a value",
        "training.epochs=ten": "--set training.epochs=ten: training.epochs: ",
        "seed=[": "--set seed=[: the value '[' is not valid YAML",
    }.items():
        with pytest.raises(UserError) as told:
            configs.load(path, [setting])
        assert str(told.value).startswith(message)


def test_a_resolved_config_loads_to_itself(tmp_path):
    config = configs.load("lenet", ["optimizer.learning_rate=0.00001", "training.ema_decay=0.999"])
    path = tmp_path / "resolved.yaml"
    path.write_text(config.to_yaml())
    assert configs.load(path) == config


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
    for path in configs.shipped().values():
        values = yaml.safe_load(path.read_text())
        assert list(validator.iter_errors(values)) == []
        values["model"]["poling"] = "max"
        assert list(validator.iter_errors(values)) != []


@pytest.mark.parametrize("name", configs.shipped())
def test_every_config_states_command_and_claim(name):
    path = configs.shipped()[name]
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert f"#   cnnzoo train --config {path.name}" in header
    assert any("%" in line for line in header)
    configs.load(path)


@pytest.mark.parametrize("name", configs.shipped())
def test_every_config_builds_for_its_data(name):
    import cnnzoo
    from cnnzoo import data
    from cnnzoo.data.preprocessing import padded_shape

    config = configs.load(name)
    known = data.describe(config.data.name)
    shape = padded_shape(config.preprocessing, known.input_shape)
    model = cnnzoo.build(config.model.name, shape, len(known.class_names), **config.model.options)
    assert model.output_shape == (None, len(known.class_names))
