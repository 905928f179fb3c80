"""Trainings on images that stay in their files."""

import numpy as np
import pytest
from toys import subset

from cnnzoo import data
from cnnzoo.config import FolderSection, PreprocessingSection
from cnnzoo.config import load as load_config
from cnnzoo.data.preprocessing import resolve
from cnnzoo.errors import UserError
from cnnzoo.training import Listener, train
from cnnzoo.training.batches import Batches, StreamedBatches


def streamed(photos, **settings):
    return data.load(FolderSection(name="folder", path=str(photos), size=16, memory=0, **settings), "train")


def test_streamed_batches_equal_those_of_images_in_memory(photos):
    files = streamed(photos)
    images = files.pixels
    for count in (None, 3):
        options = {"full_batches_only": True, "count": count}
        kept = Batches(subset(images, files.labels), 5, **options)
        batches = StreamedBatches(files, 5, **options)
        assert len(batches) == len(kept)
        for epoch in range(2):
            kept.shuffle(7, epoch)
            batches.shuffle(7, epoch)
            for step in (0, *range(len(kept)), 0):
                (indices, labels), _ = kept[step]
                (pixels, same_indices, own_labels), same_labels = batches[step]
                np.testing.assert_array_equal(indices, same_indices)
                np.testing.assert_array_equal(labels, own_labels)
                np.testing.assert_array_equal(pixels, images[indices])
                np.testing.assert_array_equal(labels, same_labels)


def test_an_error_names_a_file_that_disappears_during_training(photos):
    files = streamed(photos)
    for path in files.images.paths:
        path.unlink()
    with pytest.raises(UserError, match=r"There is no image .*photos"):
        StreamedBatches(files, 5, full_batches_only=True)[0]


def test_mean_and_deviation_come_from_the_files(photos):
    files = streamed(photos)
    assert resolve(PreprocessingSection(), files) == resolve(PreprocessingSection(), subset(files.pixels))


@pytest.mark.slow
@pytest.mark.every_backend
def test_a_streamed_training_is_the_same_as_one_in_memory(photos, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "model: {name: lenet5}\n"
        f"data: {{name: folder, path: {photos}, size: 32, channels: 1}}\n"
        "augmentation: {shift: 2}\n"
        "training: {epochs: 2, batch_size: 4}\n"
    )
    kept, _ = train(load_config(path), directory=tmp_path / "kept")
    files, _ = train(load_config(path, ["data.memory=0"]), directory=tmp_path / "files")
    assert kept.history_path.read_bytes() == files.history_path.read_bytes()
    assert kept.config().recipe() == files.config().recipe()


@pytest.mark.slow
def test_a_training_whose_files_go_missing_ends_with_their_names(photos, tmp_path):
    class Deleting(Listener):
        def epoch(self, row, images_per_second, best):
            for path in photos.rglob("*.*"):
                path.unlink()

    section = f"data={{name: folder, path: {photos}, size: 32, channels: 1, memory: 0}}"
    config = load_config("digits", [section, "preprocessing.pad=0", "training.batch_size=4", "training.epochs=3"])
    with pytest.raises(UserError, match=r"There is no image .*photos"):
        train(config, directory=tmp_path / "run", listener=Deleting())
