import subprocess
import sys

import pytest

import cnnzoo
from cnnzoo import registry
from cnnzoo.errors import UserError


def test_an_unknown_network_gets_the_nearest_name():
    with pytest.raises(UserError, match=r"no network named 'lenet6'. Did you mean 'lenet5'"):
        cnnzoo.build("lenet6")


def test_names_can_be_selected_by_a_pattern():
    assert cnnzoo.model_names("lenet*") == ["lenet5", "lenet5_1998"]
    assert cnnzoo.model_names("none*") == []


def test_a_name_is_registered_once_and_its_builder_returned_unchanged():
    def builder(input_shape=(8, 8, 1), num_classes=2):
        """Build nothing."""

    assert cnnzoo.register("nothing")(builder) is builder
    with pytest.raises(ValueError, match="'nothing' is registered already"):
        cnnzoo.register("nothing")(builder)
    cnnzoo.unregister("nothing")
    assert cnnzoo.register("nothing")(builder) is builder


def test_an_unknown_name_cannot_be_unregistered():
    with pytest.raises(UserError, match="no network named 'nothing'"):
        registry.unregister("nothing")


def test_an_input_below_the_registered_size_is_refused_before_the_builder_runs():
    def builder(input_shape=(8, 8, 1), num_classes=2):
        raise AssertionError

    cnnzoo.register("narrow", smallest=(4, 6))(builder)
    with pytest.raises(
        UserError, match=r"^Network 'narrow' cannot be built: an input of 4x5 is too small; .* needs at least 4x6\.$"
    ):
        cnnzoo.build("narrow", (4, 5, 1))
    cnnzoo.register("narrow_small", smallest=(4, 4))(builder)
    with pytest.raises(UserError, match=r"needs at least 4x6\. narrow_small is for small images\.$"):
        cnnzoo.build("narrow", (4, 5, 1))
    with pytest.raises(UserError, match=r"needs at least 4x6\.$"):
        cnnzoo.build("narrow", (3, 5, 1))


@pytest.mark.backend("tensorflow")
def test_a_name_of_the_zoo_is_taken_even_before_the_zoo_is_loaded():
    code = """
import cnnzoo
try:
    cnnzoo.register("lenet5")(print)
except ValueError as error:
    print(error)
cnnzoo.unregister("lenet5")
print(cnnzoo.register("lenet5")(print) is print)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "The zoo has a network named 'lenet5'; choose another name, or call unregister('lenet5').",
        "True",
    ]


def modules_after(statements):
    code = f"import sys\n{statements}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.backend("tensorflow")
@pytest.mark.parametrize("command", ["--help", "models", "config show lenet", "data list"])
def test_looking_around_does_not_load_keras(command):
    statement = f"from cnnzoo.cli import cli\ncli({command.split()}, standalone_mode=False)"
    assert "keras" not in modules_after(statement)


@pytest.mark.backend("tensorflow")
def test_importing_the_package_loads_nothing_heavy():
    assert modules_after("import cnnzoo").isdisjoint({"keras", "numpy", "click", "pydantic"})
