"""The base class and the types of all sections of a config."""

import os
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

SEEDS = 2**32

# The splits of a data set.
Split = Literal["train", "validation", "test"]

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
ProperFraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


def make_absolute(path: str) -> str:
    """Return the absolute path, which means the same in any current directory."""
    # pathlib keeps "..", and raises an error for the home of a user that does not exist.
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111


AbsolutePath = Annotated[str, Field(min_length=1), AfterValidator(make_absolute)]


@dataclass(frozen=True)
class Expected:
    """An annotation of a union: the words for its valid values in the message about an invalid one."""

    text: str


class Section(BaseModel):
    """A section of a config: unknown keys and wrong types are errors, and values cannot be changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, revalidate_instances="always"
    )


def mistake(message: str, *key: str) -> PydanticCustomError:
    """Make an error about a key at or below the section that raises it."""
    return PydanticCustomError("mistake", "{message}", {"message": message, "key": key})
