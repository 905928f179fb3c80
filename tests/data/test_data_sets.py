import subprocess
import sys

import numpy as np
import pytest

from cnnzoo import data
from cnnzoo.data.sets.idx_sets import IdxSet
from cnnzoo.data.sets.record_sets import RecordSet
from cnnzoo.errors import UserError


@pytest.mark.parametrize("name", data.DATA_SETS)
def test_the_description_of_a_data_set_is_consistent(name):
    published = data.DATA_SETS[name]
    data_set = data.describe(name)
    assert data_set.name == name
    assert len(set(data_set.class_names)) == len(data_set.class_names) == (100 if name == "cifar100" else 10)
    if isinstance(published, RecordSet):
        assert data_set.input_shape == (32, 32, 3)
        assert sum(file.count for file in published.train) == data_set.train_count
        assert [file.count for file in published.test] == [data_set.test_count]
        assert published.label_classes[-1] == len(data_set.class_names)
        assert len(published.label_classes) == 1 or published.label_classes[0] == len(published.coarse_classes)
    else:
        assert data_set.input_shape == (28, 28, 1)
    if isinstance(published, IdxSet):
        assert [file.shape for file in published.train] == [(data_set.train_count, 28, 28), (data_set.train_count,)]
        assert [file.shape for file in published.test] == [(data_set.test_count, 28, 28), (data_set.test_count,)]


@pytest.mark.parametrize("use", [data.describe, data.fetch, data.verify, lambda name: data.load(name, "train")])
def test_the_error_about_an_unknown_name_suggests_the_nearest(use):
    with pytest.raises(UserError, match=r"no data set 'fashion-mnist'\. Did you mean 'fashion_mnist'\?"):
        use("fashion-mnist")


def test_the_digits_need_no_download_and_verify():
    assert data.fetch("digits") == []
    assert [check.status for check in data.verify("digits")] == ["right"]


def test_importing_the_data_sets_loads_nothing_heavy():
    program = "import sys, cnnzoo.data; print(*{'keras', 'sklearn', 'rich', 'requests'} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == ""


@pytest.mark.real_data
def test_real_mnist_loads_and_verifies(mnist_dir):
    train, test = data.load("mnist", "train", mnist_dir), data.load("mnist", "test", mnist_dir)
    assert train.pixels.shape == (60_000, 28, 28, 1)
    assert test.pixels.shape == (10_000, 28, 28, 1)
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # The mean that every MNIST example divides by.
    assert round(train.pixels.mean() / 255, 4) == 0.1307
    assert [check.status for check in data.verify("mnist", mnist_dir)] == ["right"] * 4


@pytest.mark.real_data
def test_real_mnist_is_not_mistaken_for_fashion_mnist(mnist_dir):
    folder = mnist_dir / "mnist"
    assert data.where("mnist", folder)
    assert data.where("fashion_mnist", folder) is None
    with pytest.raises(UserError, match="belongs to MNIST, not to Fashion-MNIST"):
        data.load("fashion_mnist", "test", folder)


@pytest.mark.real_data
def test_the_real_training_images_of_cifar10_load_and_verify(real_cifar10_dir):
    train, test = data.load("cifar10", "train", real_cifar10_dir), data.load("cifar10", "test", real_cifar10_dir)
    assert train.pixels.shape == (50_000, 32, 32, 3)
    assert np.bincount(train.labels).tolist() == [5000] * 10
    # The means that every CIFAR-10 example divides by.
    assert (train.pixels.mean(axis=(0, 1, 2)) / 255).round(4).tolist() == [0.4914, 0.4822, 0.4465]
    checks = data.verify("cifar10", real_cifar10_dir)
    assert [check.status for check in checks[:5]] == ["right"] * 5
    complete = len(test.labels) == 10_000
    assert checks[5].status == ("right" if complete else "structure only")
    assert test.note == ("" if complete else f"{len(test.labels):,} of the 10,000 official test images")
