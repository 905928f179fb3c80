from functools import partial
from typing import Any, Literal

import pytest

from cnnzoo.options import OptionError, accepts, check_arguments, check_options, describe_values, read_options


def network(
    depth: int,
    input_shape: tuple[int, int, int] = (8, 8, 1),
    num_classes: int = 2,
    *,
    rate: float = 0.5,
    units: int | None = None,
    pooling: Literal["average", "max"] = "max",
    groups: Literal[1, 2] = 1,
    widths: tuple[int, ...] = (1,),
    anything=None,
) -> None:
    """Never built here."""


OPTIONS = read_options(partial(network, 3, rate=0.25))


def test_options_are_the_keyword_only_arguments_with_a_partials_defaults() -> None:
    assert OPTIONS == {
        "rate": {"type": "number", "default": 0.25},
        "units": {"type": ["integer", "null"], "default": None},
        "pooling": {"enum": ["average", "max"], "default": "max"},
        "groups": {"enum": [1, 2], "default": 1},
        "widths": {"default": (1,)},
        "anything": {"default": None},
    }


@pytest.mark.parametrize(
    ("option", "value", "right"),
    [
        ("rate", 1, True),
        ("rate", True, False),
        ("rate", "0.5", False),
        ("units", None, True),
        ("units", 3, True),
        ("units", 3.0, False),
        ("pooling", "max", True),
        ("pooling", "min", False),
        ("groups", 2, True),
        ("groups", True, False),
        ("widths", "a", True),
        ("anything", [], True),
    ],
)
def test_a_value_is_accepted_where_its_type_or_the_choices_fit(option: str, value: Any, right: bool) -> None:
    assert accepts(OPTIONS[option], value) == right


@pytest.mark.parametrize(
    ("values", "option", "sentence"),
    [
        ({"rat": 1}, "rat", "net has no option 'rat'. Did you mean 'rate'?"),
        ({"units": "x"}, "units", "units must be a whole number or null, not 'x'."),
        ({"units": "3"}, "units", "units must be a whole number or null, not '3'; write 3 without quotes."),
        ({"rate": 0.1, "pooling": "min"}, "pooling", "pooling must be 'average' or 'max', not 'min'."),
    ],
)
def test_a_mistake_names_the_option_and_its_valid_values(values: dict[str, Any], option: str, sentence: str) -> None:
    with pytest.raises(OptionError) as refused:
        check_options("net", OPTIONS, values)
    assert (refused.value.option, str(refused.value)) == (option, sentence)


def test_a_builder_checks_its_own_arguments() -> None:
    check_arguments(network, pooling="average")
    with pytest.raises(OptionError, match=r"^groups must be 1 or 2, not 3\.$"):
        check_arguments(network, groups=3)


def test_values_are_described_in_words() -> None:
    assert describe_values(OPTIONS["pooling"], str) == "average or max"
    assert describe_values({"type": "boolean"}, str) == "true or false"


def test_annotations_that_only_a_type_checker_can_read_are_accepted() -> None:
    def mine(*, width: int = 3) -> "Unknown":  # type: ignore[name-defined]  # noqa: F821
        """Never built here."""

    assert read_options(mine) == {"width": {"default": 3}}
