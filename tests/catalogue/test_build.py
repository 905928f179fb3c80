from functools import partial
from typing import Literal

import keras
import pytest

from cnnzoo.catalogue.build import make_card
from cnnzoo.registry import Paper, register

PAPER = Paper(
    contribution="LeNet-5: the network of the tests",
    authors="LeCun, Bottou, Bengio and Haffner",
    title="Gradient-Based Learning Applied to Document Recognition",
    venue="Proceedings of the IEEE 86(11)",
    year=1998,
    link="https://doi.org/10.1109/5.726791",
)


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


def test_a_card_is_made_from_the_registration_the_signature_and_the_network() -> None:
    register("column_a", title="Column A", paper=PAPER, departures="it has no layers.", smallest=(4, 5))(
        partial(columns, "A", rate=0.25)
    )
    card = make_card("column_a")
    assert (card.year, card.link) == (1998, "https://doi.org/10.1109/5.726791")
    assert card.paper == (
        'LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", '
        "Proceedings of the IEEE 86(11), 1998."
    )
    assert (card.title, card.summary) == ("Column A", "LeNet-5: the network of the tests")
    assert (card.departures, card.smallest) == ("it has no layers.", (4, 5))
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


def test_an_argument_that_a_partial_fixes_is_not_an_option() -> None:
    register("column_b", title="Column B", paper=PAPER)(partial(columns, column="B"))
    assert list(make_card("column_b").options) == ["batch_norm", "hidden_units", "rate", "pooling"]


@pytest.mark.parametrize(("title", "paper"), [("", PAPER), ("Column C", None)])
def test_a_network_without_title_or_paper_is_refused(title: str, paper: Paper | None) -> None:
    register("column_c", title=title, paper=paper)(partial(columns, "A"))
    with pytest.raises(ValueError, match="column_c: a card needs the network's title and paper"):
        make_card("column_c")


def test_an_option_of_another_type_is_refused() -> None:
    register("wide", title="Wide", paper=PAPER)(wide)
    with pytest.raises(ValueError, match="wide: widths must be bool, int, float, str or a Literal"):
        make_card("wide")
