import numpy as np
import pytest

from cnnzoo.data import ImageArray, Subset, hold_out
from cnnzoo.errors import UserError


def numbered(labels: list[int] | np.ndarray) -> Subset:
    """Make images whose one pixel is their number."""
    numbers = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return Subset.of_all(ImageArray(numbers), np.asarray(labels, np.int32))


def numbers(split: Subset) -> list[int]:
    return split.pixels.ravel().tolist()


@pytest.mark.parametrize("validation", [1, 7, 50, 199, 0.1, 0.333, 0.99])
def test_every_image_is_in_one_split_with_its_label_and_in_the_old_order(validation):
    labels = np.random.default_rng(3).integers(0, 10, 200)
    training, held = hold_out(numbered(labels), validation, 10)
    wanted = validation if isinstance(validation, int) else round(200 * validation)
    assert len(held.labels) == wanted
    assert sorted(numbers(training) + numbers(held)) == list(range(200))
    for part in (training, held):
        assert numbers(part) == sorted(numbers(part))
        assert part.labels.tolist() == labels[numbers(part)].tolist()
        assert part.labels.dtype == np.int32


@pytest.mark.parametrize("validation", [1, 2, 17, 100, 240])
def test_each_class_is_held_out_in_proportion(validation):
    labels = np.repeat([0, 1, 2, 4], [120, 80, 49, 1])
    _, held = hold_out(numbered(labels), validation, 5)
    proportional = np.bincount(labels, minlength=5) * validation / len(labels)
    assert np.all(np.abs(np.bincount(held.labels, minlength=5) - proportional) < 1)


def test_a_fraction_and_its_number_hold_out_the_same_images():
    split = numbered(np.arange(100) % 7)
    assert numbers(hold_out(split, 0.2, 7)[1]) == numbers(hold_out(split, 20, 7)[1])


def test_the_choice_is_the_same_for_every_run_and_version():
    np.random.seed(1)  # noqa: NPY002 - the global seed must not matter
    _, held = hold_out(numbered([0, 1] * 10), 6, 2)
    assert numbers(held) == [4, 9, 15, 16, 18, 19]


def test_the_images_are_not_simply_the_first_ones():
    _, held = hold_out(numbered(np.arange(200) % 2), 50, 2)
    assert max(numbers(held)) > 150


@pytest.mark.parametrize("validation", [0, -3, 20, 21, 0.0, 1.0, 1.5, 0.001, 0.999])
def test_an_empty_split_is_refused(validation):
    with pytest.raises(
        UserError,
        match=f"validation split of {validation} of 20 images leaves none for (it|the other splits); add images",
    ):
        hold_out(numbered([0, 1] * 10), validation, 2)
