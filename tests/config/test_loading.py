"""How config files and settings are found and read."""

import re
from pathlib import Path

import pytest

from cnnzoo import config as configs
from cnnzoo.config.yaml_file import as_yaml, document, read
from cnnzoo.errors import UserError

GOOD = "model:\n  name: lenet5\ndata:\n  name: digits\n"

MISTAKES = {
    "a number with a comma between braces": (
        GOOD + "optimizer: {name: adam, learning_rate: 0,004}\n",
        ":5: '004' cannot be a key",
        "A decimal number has a point, not a comma.",
    ),
    "a number with a leading zero": (GOOD + "seed: 08\n", ":5: seed: '08' is ambiguous; ", "write 8 without zeros"),
    "a sweep file": (
        "config: digits\nmethod: grid\nkeys: {seed: [0, 1]}\n",
        " is a sweep file; ",
        "train its points with: cnnzoo sweep",
    ),
    "an alias of the value around it": (
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
    "a no in place of false": (
        GOOD + "training:\n  tensorboard: no\n",
        ":6: training.tensorboard: 'no'",
        "true or false",
    ),
    "an impossible date": (GOOD + "seed: 2020-99-01\n", ":5: seed: '2020-99-01'", "quotes"),
    "a list that is nested too deeply": (GOOD + f"seed: {'[' * 3000}\n", ":1: ", "nested too deeply"),
    "a character that YAML does not allow": (GOOD + "seed: \x00\n", ":5: ", "does not allow"),
    "a key written twice": (GOOD + "seed: 1\nseed: 2\n", ":6: the key 'seed'", "appears twice"),
    "a list": ("- lenet5\n", ":1: ", "sections, such as 'model: {name: lenet5}'"),
    "broken YAML": (GOOD + "training: [\n", ":6: ", "not valid YAML"),
    "an empty file": ("", " is empty", "model and data"),
    "only comments": ("# later\n", " is empty", "model and data"),
}


@pytest.mark.parametrize(("text", "place", "remedy"), MISTAKES.values(), ids=MISTAKES)
def test_an_error_in_yaml_states_line_key_and_remedy(text, place, remedy, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        configs.load(path)
    assert str(raised.value).startswith(f"{path}{place.replace(':', ', line ', 1) if place[0] == ':' else place}")
    assert remedy in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("key", ["1", "1.5", "null", "true", "on", "2020-01-01", "<<", "? [a]\n ", "? {a: 1}\n "])
@pytest.mark.parametrize("section", ["model", "data", "optimizer", "training"])
def test_the_error_about_a_key_that_is_not_text_states_its_line(key, section, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(f"# 1\n# 2\n{section}:\n {key}: 3\n")
    with pytest.raises(UserError) as raised:
        configs.load(path)
    shown = "a list or a section" if "?" in key else f"'{key}'"
    assert str(raised.value) == f"{path}, line 4: {shown} cannot be a key; keys are names, such as seed."


def test_aliases_that_stand_for_billions_of_values_are_refused_at_once(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [{'*a, ' * 9}]\n" for n in range(9)))
    with pytest.raises(UserError, match="line 1: YAML's aliases"):
        configs.load(path)


def test_numbers_and_booleans_that_are_unambiguous_are_accepted(tmp_path):
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
def test_a_value_written_as_yaml_reads_back_as_the_same(tmp_path, value):
    path = tmp_path / "a.yaml"
    path.write_text(f"value: {as_yaml(value)}\n")
    assert read(path)[1] == {"value": value}
    path.write_text(document({"value": value}))
    assert read(path)[1] == {"value": value}


def test_the_message_states_all_errors_of_a_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(GOOD.replace("lenet5", "lenet6") + "seed: x\n")
    with pytest.raises(UserError) as raised:
        configs.load(path)
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize("content", [b"\x80\x81\xff\x00" * 99, b"model: \x00\n", "model: ä".encode("utf-16")])
def test_a_binary_file_is_not_a_config(content, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match="text file"):
        configs.load(path)


def test_settings_override_the_file_and_errors_state_the_setting(tmp_path):
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
        with pytest.raises(UserError) as raised:
            configs.load(path, [setting])
        assert str(raised.value).startswith(message)


def test_a_resolved_config_loads_to_itself(tmp_path):
    config = configs.load("lenet", ["optimizer.learning_rate=0.00001", "training.ema_decay=0.999"])
    path = tmp_path / "resolved.yaml"
    path.write_text(config.to_yaml())
    assert configs.load(path) == config


def test_a_file_in_the_current_directory_is_preferred_to_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("lenet.yaml").write_text(GOOD)
    assert configs.load("lenet").data.name == "digits"
    assert configs.load("lenet.yaml").data.name == "digits"
    Path("lenet.yaml").unlink()
    assert configs.load("lenet").data.name == "mnist"
    with pytest.raises(
        UserError, match=r"no config lenett, neither in this directory nor among cnnzoo's own. Did you mean 'lenet'"
    ):
        configs.load("lenett")


def test_a_later_error_about_a_key_states_its_file_and_line(tmp_path):
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
