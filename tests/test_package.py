"""The wheel holds what the commands need, wherever they are called."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.backend("tensorflow")
def test_the_wheel_works_without_the_checkout(tmp_path):
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("cnnzoo-*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = "import cnnzoo, sys; from cnnzoo.cli import main; print(cnnzoo.__file__, file=sys.stderr); main()"
    for command in (["config", "validate", "lenet"], ["models", "vgg16"], ["--help"]):
        answer = subprocess.run(
            [sys.executable, "-c", code, *command],
            cwd=tmp_path,
            env={"PYTHONPATH": str(tmp_path / "site")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        assert answer.stderr.startswith(str(tmp_path / "site"))
    package = tmp_path / "site" / "cnnzoo"
    packed = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    assert packed == {path.relative_to(ROOT / "cnnzoo").as_posix() for path in (ROOT / "cnnzoo").rglob("*.py")}
    for name in ("py.typed", "catalogue/cards.json", "imagenet_classes.txt", "configs/records/lenet-tensorflow.json"):
        assert (package / name).is_file(), name
