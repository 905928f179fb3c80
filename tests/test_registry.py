import subprocess
import sys

import pytest

import cnnzoo
from cnnzoo.errors import UserError


def test_an_unknown_model_is_met_with_the_nearest():
    with pytest.raises(UserError, match=r"no model named 'lenet6'. Did you mean 'lenet5'"):
        cnnzoo.build("lenet6")


def test_names_are_found_by_pattern():
    assert cnnzoo.model_names("lenet*") == ["lenet5", "lenet5_1998"]
    assert cnnzoo.model_names("none*") == []


def test_a_name_is_registered_once_and_its_builder_returned_unchanged():
    from cnnzoo import registry

    def builder(input_shape=(8, 8, 1), num_classes=2):
        """Build nothing."""

    try:
        assert cnnzoo.register("nothing")(builder) is builder
        with pytest.raises(ValueError, match="'nothing' is registered already"):
            cnnzoo.register("nothing")(builder)
    finally:
        registry._BUILDERS.pop("nothing")


def modules_after(statement):
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.backend("tensorflow")
def test_importing_a_builder_loads_keras_and_nothing_else():
    loaded = modules_after("from cnnzoo.models import lenet5")
    bare = modules_after("import keras")
    ours = {module for module in loaded - bare if module.startswith("cnnzoo")}
    assert {module for module in ours if not module.startswith("cnnzoo.models")} == {
        "cnnzoo",
        "cnnzoo.errors",
        "cnnzoo.registry",
    }
    others = {module.split(".")[0] for module in loaded - bare} - {"cnnzoo"}
    assert others.isdisjoint({"click", "pydantic", "yaml", "pooch", "filelock"})


@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize("command", ["--help", "models", "config show lenet", "data list"])
def test_looking_around_does_not_load_keras(command):
    statement = f"from cnnzoo.cli import cli\ncli({command.split()}, standalone_mode=False)"
    assert "keras" not in modules_after(statement)


@pytest.mark.backend("tensorflow")
def test_importing_the_package_loads_nothing_heavy():
    assert modules_after("import cnnzoo").isdisjoint({"keras", "numpy", "click", "pydantic"})
