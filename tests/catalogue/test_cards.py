import subprocess
import sys

import pytest

import cnnzoo.models  # noqa: F401
from cnnzoo import catalogue, registry
from cnnzoo.catalogue.build import make_card
from cnnzoo.errors import UserError

# No backend computes here: what Keras knows of a network's layers is all that is read.
pytestmark = pytest.mark.backend("tensorflow")

REGISTERED = registry.names()


def test_every_network_has_a_card_and_every_card_a_network() -> None:
    assert sorted(catalogue.cards()) == REGISTERED


@pytest.mark.parametrize("name", REGISTERED)
def test_the_card_says_what_the_network_is(name: str) -> None:
    assert catalogue.card(name) == make_card(name), "run scripts/cards"


def test_cards_are_read_without_keras() -> None:
    code = "import sys; from cnnzoo import catalogue; catalogue.cards(); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no network named 'lenet'\. Did you mean 'lenet5'\?"):
        catalogue.card("lenet")


@pytest.mark.parametrize("pattern", ["lenet5*", "*1998", "1998", "LeNet", "lenet5_199[0-9]"])
def test_a_pattern_is_a_glob_or_a_part_of_the_name(pattern: str) -> None:
    assert "lenet5_1998" in [card.name for card in catalogue.select(pattern)]


def test_a_glob_matches_whole_names() -> None:
    assert [card.name for card in catalogue.select("lenet5")] == ["lenet5", "lenet5_1998"]
    assert [card.name for card in catalogue.select("*t5")] == ["lenet5"]


def test_a_pattern_without_a_match_gets_the_nearest() -> None:
    with pytest.raises(UserError, match=r"matches 'lenet6\*'\. Did you mean 'lenet5'\?"):
        catalogue.select("lenet6*")
