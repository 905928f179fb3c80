"""The order in which a training sees its images."""

import numpy as np
from trainings import trained

from cnnzoo.training.trainee import Batches


def test_every_image_is_seen_once_an_epoch_in_another_order():
    batches = Batches(np.arange(100, 110, dtype="int32"), np.arange(10, dtype="int32"), 3, whole=False)
    batches.shuffle(seed=0, epoch=1)
    pairs = [batches[step] for step in range(len(batches))]
    indices, labels = (np.concatenate(part) for part in zip(*pairs, strict=True))
    assert sorted(indices) == list(range(100, 110))
    assert np.array_equal(indices - 100, labels)
    assert len(Batches(np.arange(10), np.arange(10), 3, whole=True)) == 3


def test_epochs_of_a_few_steps_go_on_where_the_one_before_stopped():
    indices = np.arange(10, dtype="int32")
    passes, short = (Batches(indices, indices, 2, whole=True, count=count) for count in (None, 3))

    def drawn(batches, epochs):
        seen = []
        for epoch in range(epochs):
            batches.shuffle(7, epoch)
            seen += [batches[step][0].tolist() for step in range(len(batches))]
        return seen

    assert drawn(passes, 3) == drawn(short, 5)


def test_an_epochs_batches_depend_on_seed_and_number_alone(tmp_path, monkeypatch):
    drawn = []
    original = Batches.__getitem__

    def watched(self, step):
        if self.batch_size == 128:
            drawn.append(self.order[step * 128 : (step + 1) * 128].tolist())
        return original(self, step)

    monkeypatch.setattr(Batches, "__getitem__", watched)
    trained(tmp_path / "run", seed=5)
    expected = [
        np.random.default_rng((5, epoch)).permutation(1293)[step * 128 : (step + 1) * 128].tolist()
        for epoch in range(2)
        for step in range(10)
    ]
    positions = [drawn.index(batch) for batch in expected]
    assert positions == sorted(positions)
