"""One process, one backend; nothing of the user's machine gets into a test, and nothing of a test onto the machine."""

import atexit
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnnzoo import catalogue, registry, runtime

if TYPE_CHECKING:
    from commands import Cnnzoo

    from cnnzoo.data.sets.published import PublishedSet
    from cnnzoo.runs import Run

# All of this is read when Keras and matplotlib are imported, which test modules do while they are collected.
# On the processor, so that a test finds the same on a machine with a GPU.
runtime.set_environment(runtime.resolve_backend(), device="cpu")
if runtime.resolve_backend() == "jax":
    runtime.XLA_FLAGS.set("cpu", deterministic=True)
os.environ["MPLBACKEND"] = "Agg"
# The first process of a session makes a folder for all, which its workers find by the variable.
if "PYTEST_XDIST_WORKER" in os.environ:
    SHARED = Path(os.environ["CNNZOO_TEST_SESSION"])
else:
    SHARED = Path(tempfile.mkdtemp(prefix="cnnzoo-tests-"))
    os.environ["CNNZOO_TEST_SESSION"] = str(SHARED)
    atexit.register(shutil.rmtree, SHARED, ignore_errors=True)
os.environ["KERAS_HOME"] = str(SHARED / "keras")
# Most of the tests' time on JAX is compiling the same few networks.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(SHARED / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
# matplotlib's list of fonts takes seconds to make.
os.environ["MPLCONFIGDIR"] = os.environ.get("CNNZOO_TEST_FONTS") or str(SHARED / "matplotlib")

sys.path.insert(0, str(Path(__file__).parent))

DATA_DIR = Path(os.environ["CNNZOO_DATA_DIR"]).resolve() if os.environ.get("CNNZOO_DATA_DIR") else None
# Fixtures that need more than MNIST, the folder that each of them needs, and the name of what is in it.
FOLDERS = {"real_cifar10_dir": ("cifar-10-batches-bin", "CIFAR-10"), "real_go_dir": ("go", "games of Go")}
MISSING = {fixture for fixture, (folder, _) in FOLDERS.items() if DATA_DIR is None or not (DATA_DIR / folder).is_dir()}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="run the tests marked full, and on JAX those not marked every_backend"
    )


def pytest_report_header(config: pytest.Config) -> list[str]:
    real_data = DATA_DIR or "none, CNNZOO_DATA_DIR is not set: the tests marked real_data are left out"
    for fixture in sorted(MISSING if DATA_DIR else ()):
        folder, name = FOLDERS[fixture]
        real_data = f"{real_data}, without {folder}: the tests on real {name} are left out"
    return [f"backend: {os.environ['KERAS_BACKEND']}", f"real data: {real_data}"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    full = config.getoption("full")
    left_out = [
        item for item in items if lacks_data(item) or is_for_full(item, full) or is_for_another_backend(item, full)
    ]
    config.hook.pytest_deselected(items=left_out)
    kept = [item for item in items if item not in left_out]
    # Modules that take long come first, so that no process waits in the end for another's.
    slow = Counter(item.path for item in kept if item.get_closest_marker("slow"))
    count = Counter(item.path for item in kept)
    items[:] = sorted(kept, key=lambda item: (-slow[item.path], -count[item.path], str(item.path)))


def lacks_data(item: pytest.Item) -> bool:
    if DATA_DIR is None:
        return item.get_closest_marker("real_data") is not None
    return not MISSING.isdisjoint(getattr(item, "fixturenames", ()))


def is_for_full(item: pytest.Item, full: bool) -> bool:
    return not full and item.get_closest_marker("full") is not None


def is_for_another_backend(item: pytest.Item, full: bool) -> bool:
    backend, marker = os.environ["KERAS_BACKEND"], item.get_closest_marker("backend")
    if marker is not None:
        return bool(marker.args[0] != backend)
    return not full and backend != runtime.DEFAULT_BACKEND and item.get_closest_marker("every_backend") is None


@pytest.fixture(autouse=True)
def home(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give each test empty caches of its own, and real data only if it is marked real_data."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if request.node.get_closest_marker("real_data"):
        monkeypatch.setenv("CNNZOO_DATA_DIR", str(DATA_DIR))
    else:
        monkeypatch.delenv("CNNZOO_DATA_DIR", raising=False)
    return folder


@pytest.fixture(autouse=True)
def chance() -> None:
    """Have a test draw the same weights every time, so that it never fails by chance."""
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def networks_of_the_test() -> Iterator[None]:
    """Unregister the networks that a test registers."""
    yield
    for name in set(registry.names()) - set(catalogue.cards()):
        registry.unregister(name)


@pytest.fixture
def register_data_set() -> "Iterator[Callable[[PublishedSet[Any]], None]]":
    """Return a function that has commands find another data set under the name of MNIST, CIFAR-10 and the like."""
    from cnnzoo import data

    real = list(data.DATA_SETS.values())
    yield data.register
    for data_set in real:
        data.register(data_set)


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """Return the folder whose ``mnist/`` holds the four real idx files."""
    assert DATA_DIR, "mark a test that uses mnist_dir with real_data"
    return DATA_DIR


@pytest.fixture(scope="session")
def real_cifar10_dir() -> Path:
    """Return the folder in which CIFAR-10 lies as well; a folder with MNIST alone leaves the test out."""
    assert DATA_DIR, "mark a test that uses real_cifar10_dir with real_data"
    return DATA_DIR


@pytest.fixture(scope="session")
def real_go_dir() -> Path:
    """Return the folder with folders of real games; a folder with other data alone leaves the test out."""
    assert DATA_DIR, "mark a test that uses real_go_dir with real_data"
    return DATA_DIR / "go"


@pytest.fixture
def cnnzoo(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> "Cnnzoo":
    """Return a function that runs one command in an empty directory of its own."""
    from commands import runner

    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capfd)


@pytest.fixture(scope="session")
def digits_runs(tmp_path_factory: pytest.TempPathFactory) -> "list[Run]":
    """Train LeNet-5 on the digits for two epochs with seeds 0 and 1, once a session; each worker gets copies."""
    from commands import SMALL
    from filelock import FileLock

    from cnnzoo import runs
    from cnnzoo.cli.options import load_config
    from cnnzoo.training import train

    trained, folder = SHARED / "digits_runs", tmp_path_factory.mktemp("digits_runs")
    with FileLock(f"{trained}.lock"):
        trained.mkdir(exist_ok=True)
        with contextlib.chdir(trained):
            for seed in range(len(runs.finished(runs.RUNS)), 2):
                train(load_config("digits", SMALL[1::2], seed=seed), "digits")
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    return [runs.Run(folder / run.directory) for run in runs.finished(folder / runs.RUNS)]


@pytest.fixture(scope="module")
def compile_quickly() -> Iterator[None]:
    """Keep JAX from optimizing what will run only a few times."""
    if os.environ["KERAS_BACKEND"] != "jax":
        yield
        return
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Have this process heed Ctrl-C, which one that a shell started in the background ignores."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, inherited)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of thirty small pictures, ten each of mostly red, green and blue ones, by class."""
    from commands import write_photos

    return write_photos(tmp_path / "photos")
