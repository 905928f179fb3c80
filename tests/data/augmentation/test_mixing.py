import keras
import numpy as np
import pytest

from cnnzoo.data.augmentation import mixing

pytestmark = [pytest.mark.every_backend, pytest.mark.usefixtures("compile_quickly")]


@pytest.fixture
def levels():
    """Return images of one level each: the level tells how much of which image is there."""
    return np.tile(np.arange(512, dtype="float32")[:, None, None, None], (1, 16, 20, 1))


def test_cutout_makes_a_square_of_the_configured_side_black(augmented):
    new = augmented(np.full((512, 16, 20, 3), 9.0, "float32"), cutout=5)
    assert set(np.unique(new)) == {0.0, 9.0}
    assert (new == new[..., :1]).all()
    whole = 0
    for mask in new[..., 0] == 0:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1) <= 25
        assert max(np.ptp(rows), np.ptp(columns)) < 5
        whole += mask.sum() == 25
        if mask.sum() < 25:  # part of it lies outside
            assert rows[0] == 0 or rows[-1] == 15 or columns[0] == 0 or columns[-1] == 19
    assert 256 < whole < 500


def test_mixup_weighs_labels_as_it_weighs_pixels(levels, mixed):
    new, share = mixed(levels, mixup=0.4)
    assert np.allclose(new, new[:, :1, :1], atol=1e-3)
    partners = np.roll(levels[:, 0, 0, 0], -1)
    assert np.allclose(new[:, 0, 0, 0], share * np.arange(512) + (1 - share) * partners, atol=1e-2)
    assert share.min() >= 0
    assert share.max() <= 1


def test_cutmix_weighs_labels_by_the_pixels_that_each_image_has(levels, mixed):
    new, share = mixed(levels, cutmix=1.0)
    own = (new == levels)[..., 0]
    partners = (new == np.roll(levels, -1, axis=0))[..., 0]
    assert (own ^ partners).all()
    assert np.allclose(own.mean(axis=(1, 2)), share, atol=1e-5)
    for mask in partners:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask.sum() == len(rows) * len(columns)


def test_chance_chooses_between_mixup_and_cutmix(levels, mixed):
    new, _ = mixed(levels, mixup=1.0, cutmix=1.0)
    even = (np.ptp(new, axis=(1, 2, 3)) == 0) & (new[:, 0, 0, 0] != np.round(new[:, 0, 0, 0]))
    assert 200 < even.sum() < 312


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 8.0])
def test_shares_are_distributed_as_beta(alpha):
    shares = keras.ops.convert_to_numpy(mixing.draw_shares(alpha, 20000, keras.random.SeedGenerator(0)))
    assert abs(shares.mean() - 0.5) < 0.02
    assert np.isclose(shares.var(), 1 / (4 * (2 * alpha + 1)), rtol=0.05)
    assert np.isfinite(shares).all()
