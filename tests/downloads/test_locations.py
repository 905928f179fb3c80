"""Where data sets are looked for, by users with and without a home."""

import os
import tempfile
from pathlib import Path

import pytest

from cnnzoo.cache import cache_dir
from cnnzoo.config.base import make_absolute
from cnnzoo.downloads.locations import check_data_dir, search_path
from cnnzoo.errors import UserError

pytestmark = pytest.mark.backend("tensorflow")


def test_a_tilde_in_the_environment_becomes_the_home(monkeypatch, tmp_path):
    (tmp_path / "images").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CNNZOO_DATA_DIR", "~/images")
    check_data_dir(None)
    assert search_path(None)[0] == tmp_path / "images"


def test_a_missing_home_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("CNNZOO_DATA_DIR", "~nosuch/images")
    with pytest.raises(UserError, match="CNNZOO_DATA_DIR: ~nosuch/images is not a directory"):
        check_data_dir(None)
    assert make_absolute("~nosuch/photos") == str(Path("~nosuch/photos").absolute())


def test_downloads_of_a_user_without_a_home_go_to_the_temporary_files(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as Python leaves it where there is no home
    assert cache_dir() == Path(tempfile.gettempdir()) / "cnnzoo"
