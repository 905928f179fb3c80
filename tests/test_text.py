from cnnzoo.text import printable


def test_bytes_that_are_not_text_and_control_characters_are_escaped():
    name = b"caf\xc3\xa9 \xff\n\x1b.png".decode(errors="surrogateescape")
    assert printable(name) == r"café \xff\n\x1b.png"
