"""Names of classes in text files, as editors write them."""

import pytest

from cnnzoo import weights
from cnnzoo.errors import UserError

pytestmark = pytest.mark.slow


def test_imagenet_has_a_thousand_names_in_the_order_of_the_labels():
    names = weights.imagenet_class_names()
    assert len(set(names)) == 1000
    known = {0: "tench", 1: "goldfish", 281: "tabby", 388: "giant panda", 829: "streetcar", 999: "toilet tissue"}
    assert {label: names[label] for label in known} == known


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_names_are_the_same_in_the_files_of_every_editor(encoding, end, tmp_path):
    text = end.join(["Kätzchen", "not a\u2028 cat ", "", ""])
    (tmp_path / "names.txt").write_bytes(text.encode(encoding))
    found = weights.read_class_names(tmp_path / "names.txt")
    assert (found.names, found.notes) == (("Kätzchen", "not a\u2028 cat"), ())


def test_lines_that_are_left_out_are_counted(tmp_path):
    (tmp_path / "names.txt").write_text("# two\ncat\n\n\nnot a cat\n#3\ncat\n\n")
    found = weights.read_class_names(tmp_path / "names.txt")
    assert found.names == ("cat", "not a cat", "cat")
    assert found.notes == (
        "left out 2 blank lines (the first is line 3)",
        "left out 2 comment lines (the first is line 1)",
        "named more than once: cat",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "cannot be read as text; save it as UTF-8"),
        (b"c\xe4t\n", "cannot be read as text; save it as UTF-8"),
        (b"c\0a\0t\0\n\0", "cannot be read as text; save it as UTF-8"),
        (b"\n# nothing\n", "holds no names of classes"),
        (None, "There is no file"),
    ],
)
def test_a_file_without_names_is_refused(content, message, tmp_path):
    if content is not None:
        (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(UserError, match=message):
        weights.read_class_names(tmp_path / "names.txt")
