"""Lists of seeds, written as ``0..4`` or ``0,3,7``."""

import re

from cnnzoo.config.base import SEEDS
from cnnzoo.errors import UserError

MOST_TRAININGS = 1000


def parse_seeds(text: str) -> list[int]:
    """Return the seeds in a text, in its order.

    Args:
        text: Seeds and ranges with both ends, separated by commas: ``0..4``, ``0,3,7`` or ``0..2,9``.

    Raises:
        UserError: The form is wrong, a seed appears twice, or there are too many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,20})\s*(?:\.\.\s*(\d{1,20})\s*)?", part, re.ASCII)
        if not match:
            raise UserError(f"{text}: write seeds as 0..4 or 0,3,7.")
        first = int(match[1])
        last = int(match[2] or first)
        if last < first:
            raise UserError(f"{text}: {first}..{last} is in descending order; write {last}..{first}.")
        if last >= SEEDS:
            raise UserError(f"{text}: a seed is a whole number from 0 to {SEEDS - 1}.")
        if len(seeds) + last - first + 1 > MOST_TRAININGS:
            raise UserError(f"{text}: these are more than {MOST_TRAININGS:,} seeds.")
        seeds += range(first, last + 1)
    twice = next((seed for index, seed in enumerate(seeds) if seed in seeds[:index]), None)
    if twice is not None:
        raise UserError(f"{text}: seed {twice} appears twice.")
    return seeds
