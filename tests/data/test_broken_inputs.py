"""What `cnnzoo train` makes of broken data: one sentence, exit code 2, and nothing else."""

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from commands import write_photos

RECORD = 3073
CONFIG = "model: {{name: lenet5}}\ndata: {data}\ntraining: {{epochs: 1, batch_size: 4}}\n"
FOLDER = "{name: folder, path: images, size: 28}"


def cut_archive(cifar10, _):
    path = cifar10.write(Path("data"))
    path.write_bytes(path.read_bytes()[:-4000])


def member_that_leads_out(cifar10, _):
    cifar10.write(Path("data")).write_bytes(cifar10.archive(tarfile.TarInfo("cifar-10-batches-bin/../../x")))


def label_of_255(cifar10, _):
    content = bytearray(cifar10.contents["data_batch_1.bin"])
    content[4 * RECORD] = 255
    replace(cifar10, contents=cifar10.contents | {"data_batch_1.bin": bytes(content)}).write_unpacked(Path("data"))


def hundred_classes(_, cifar100):
    cifar100.write(Path("data"))


def one_class(*_):
    write_photos(Path("images"), ("blue",))


def empty_class(*_):
    (write_photos(Path("images")) / "violet").mkdir()


def unreadable_image(*_):
    (write_photos(Path("images")) / "red" / "broken.png").write_bytes(b"nothing")


CASES = {
    cut_archive: ("{name: cifar10}", "cifar-10-binary.tar.gz is cut short"),
    member_that_leads_out: ("{name: cifar10}", "holds a member that leads out of its folder"),
    label_of_255: ("{name: cifar10}", "data_batch_1.bin has the label 255 at position 4; labels are 0 to 9"),
    hundred_classes: ("{name: cifar100, validation: 20}", "there are 10 weights for 100 classes"),
    one_class: (FOLDER, "images has only one class folder, blue"),
    empty_class: (FOLDER, "violet"),
    unreadable_image: (FOLDER, "red/broken.png"),
}


def everything_here():
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in Path().rglob("*")}


@pytest.mark.parametrize("breaking", CASES, ids=lambda breaking: breaking.__name__)
def test_training_on_broken_data_ends_with_a_sentence_and_leaves_nothing(
    breaking, cnnzoo, register_data_set, tiny_cifar10, tiny_cifar100
):
    register_data_set(tiny_cifar10.published)
    register_data_set(tiny_cifar100.published)
    section, sentence = CASES[breaking]
    breaking(tiny_cifar10, tiny_cifar100)
    Path("mine.yaml").write_text(CONFIG.format(data=section))
    words = ["--set", f"training.class_weights={[1.0] * 10}"] if breaking is hundred_classes else []
    words += [] if section is FOLDER else ["--data-dir", "data"]
    before = everything_here()
    answer = cnnzoo("train", "mine.yaml", *words)
    assert (answer.code, answer.out) == (2, "")
    (error,) = answer.err.removeprefix("Starting ...\n").splitlines()
    assert error.startswith("Error: ")
    assert sentence in error
    assert everything_here() == before
