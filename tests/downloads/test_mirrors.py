"""Why a download failed, in a few words; failures of a server are in the tests of the data sets."""

import socket

import pytest
import requests

from cnnzoo.downloads.mirrors import Download, from_mirrors

pytestmark = pytest.mark.backend("tensorflow")


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (socket.gaierror(-2, "Name or service not known"), "its name cannot be resolved"),
        (TimeoutError("The read operation timed out"), "sent nothing for 30 s"),
        (ConnectionRefusedError(111, "Connection refused"), "no connection"),
    ],
)
def test_after_a_failed_connection_the_cause_is_reported_and_the_next_mirror_is_tried(tmp_path, capsys, cause, reason):
    def fail(path):
        raise requests.ConnectionError from cause

    unreachable, server = "http://127.0.0.1:9/", "http://127.0.0.1:9/next/"
    download = Download("a.gz", tmp_path / "a.gz", fail)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "get", lambda *_, **__: fail(None))
        missing, failures = from_mirrors([download], [unreachable, server])
    assert missing == [download]
    assert failures == [f"{unreachable}a.gz: {reason}", f"{server}a.gz: {reason}"]
    assert capsys.readouterr().err.splitlines() == [f"Downloading {unreachable}a.gz", f"Downloading {server}a.gz"]
    assert list(tmp_path.iterdir()) == []
