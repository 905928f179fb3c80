import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

import cnnzoo
from cnnzoo.catalogue.build import make_card

PAPER = """LeNet-5: the network of the tests.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), 1998. https://doi.org/10.1109/5.726791
"""

CODE = '''
from typing import Literal

import keras


def columns(
    column: Literal["A", "B"],
    input_shape: tuple[int, int, int] = (8, 8, 1),
    num_classes: int = 3,
    *,
    batch_norm: bool = False,
    hidden_units: int | None = None,
    rate: float = 0.5,
    pooling: Literal["average", "max"] | None = "max",
) -> keras.Model:
    """Build a column.

    Departs from the paper: it has
    no layers.

    Args:
        column: Letter of the column.
        input_shape: Any.
        num_classes: Any.
        batch_norm: Normalize after
            each convolution: always.
        rate: Of dropout.

    Returns:
        A model.
    """
    images = keras.Input(input_shape)
    return keras.Model(images, keras.layers.Dense(num_classes)(keras.layers.Flatten()(images)))


def wide(
    input_shape: tuple[int, int, int] = (8, 8, 1), num_classes: int = 3, *, widths: tuple[int, ...] = (1,)
) -> keras.Model:
    return columns("A", input_shape, num_classes)
'''

MakeModule = Callable[..., ModuleType]


@pytest.fixture
def make_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> MakeModule:
    """Return a function that writes a module of builders under a docstring, and imports it."""

    def make(docstring: str = PAPER) -> ModuleType:
        name = f"builders_of_{request.node.name}"
        (tmp_path / f"{name}.py").write_text(f"{docstring!r}\n{CODE}")
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module(name)

    return make


def test_a_card_is_read_off_the_docstring_and_the_signature(make_module: MakeModule) -> None:
    cnnzoo.register("column_a")(partial(make_module().columns, "A", rate=0.25))
    card = make_card("column_a")
    assert (card.year, card.link) == (1998, "https://doi.org/10.1109/5.726791")
    assert card.paper.endswith("Proceedings of the IEEE 86(11), 1998.")
    assert card.title.startswith("LeNet-5: ")
    assert (card.summary, card.departures) == ("Build a column.", "it has no layers.")
    assert card.variant == "column A, rate 0.25"
    assert (card.input_shape, card.num_classes, card.parameters, card.macs) == ((8, 8, 1), 3, 195, 192)
    assert card.options == {
        "batch_norm": {
            "type": "boolean",
            "default": False,
            "description": "Normalize after each convolution: always.",
        },
        "hidden_units": {"type": ["integer", "null"], "default": None},
        "rate": {"type": "number", "default": 0.25, "description": "Of dropout."},
        "pooling": {"enum": ["average", "max", None], "default": "max"},
    }


def test_what_a_partial_fixes_by_name_is_no_option(make_module: MakeModule) -> None:
    cnnzoo.register("column_b")(partial(make_module().columns, column="B"))
    assert list(make_card("column_b").options) == ["batch_norm", "hidden_units", "rate", "pooling"]


def test_a_module_that_cites_nothing_is_named(make_module: MakeModule) -> None:
    module = make_module("Columns: of a temple.\n\nVitruvius. https://example.org/x\n")
    cnnzoo.register("column_c")(partial(module.columns, "A"))
    with pytest.raises(
        ValueError, match=f"{module.__name__}: the docstring's second paragraph must cite a paper with its year"
    ):
        make_card("column_c")


def test_an_option_of_another_type_is_named(make_module: MakeModule) -> None:
    cnnzoo.register("wide")(make_module().wide)
    with pytest.raises(ValueError, match="wide: widths must be bool, int, float, str or a Literal"):
        make_card("wide")
