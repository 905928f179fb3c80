import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("ending", ["os.abort()", "pass"])
def test_the_last_messages_of_a_library_that_ends_the_process_are_shown(ending):
    code = (
        "import os\nfrom cnnzoo.runtime import native_logs\n"
        "with native_logs.mute('It died:'):\n"
        "    os.write(2, b'I0000 a note\\nF0000 Unknown flag in XLA_FLAGS\\n')\n"
        f"    {ending}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if ending == "pass":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert (done.returncode, done.stderr) == (-signal.SIGABRT, "It died:\nF0000 Unknown flag in XLA_FLAGS\n")
