import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cnnzoo.pictures import evaluation, training
from cnnzoo.pictures.style import try_drawing

pytestmark = [pytest.mark.slow, pytest.mark.backend("tensorflow")]

DIGITS = list("0123456789")


def words(picture: Path) -> list[str]:
    """Return the texts in an SVG, which matplotlib states as comments beside their outlines."""
    return re.findall(r"<!-- (.*?) -->", picture.read_text(encoding="utf-8"))


def history(epochs: int, *, validation: bool = True) -> list[dict[str, float]]:
    rows = []
    for epoch in range(1, epochs + 1):
        row = {"epoch": epoch, "learning_rate": 0.1 / epoch, "loss": 2.0 / epoch, "accuracy": 1 - 0.5 / epoch}
        if validation:
            row |= {"validation_loss": 2.5 / epoch, "validation_accuracy": 1 - 0.6 / epoch}
        rows.append(row)
    return rows


@pytest.mark.parametrize("epochs", [1, 12, 200])
def test_curves_name_their_panels_and_the_best_epoch(tmp_path: Path, epochs: int) -> None:
    training.draw_curves(history(epochs), tmp_path / "curves.svg", best_epoch=epochs, title="lenet5 on mnist")
    shown = words(tmp_path / "curves.svg")
    assert f"lenet5 on mnist, epoch {epochs} is best" in shown
    assert {"Loss", "Error", "Learning rate", "wrong (%)", "epoch", "training", "validation"} <= set(shown)


def test_one_epoch_has_one_tick(tmp_path: Path) -> None:
    training.draw_curves(history(1), tmp_path / "curves.svg")
    assert words(tmp_path / "curves.svg").count("1") == 3


def test_curves_need_no_validation_and_no_errors(tmp_path: Path) -> None:
    rows = [row | {"accuracy": 1.0} for row in history(3, validation=False)]
    training.draw_curves(rows, tmp_path / "curves.svg")
    shown = words(tmp_path / "curves.svg")
    assert "training" in shown
    assert "validation" not in shown


def test_the_confusion_matrix_states_its_counts(tmp_path: Path) -> None:
    matrix = np.diag([990] * 10)
    matrix[4, 9] = 7
    evaluation.draw_confusion(matrix, DIGITS, tmp_path / "confusion.svg", "lenet5 on mnist")
    shown = words(tmp_path / "confusion.svg")
    assert shown.count("990") == 10
    assert "7 of 9,907 images wrong" in shown
    assert {"7", "predicted class", "true class", "errors (% of the true class)"} <= set(shown)


@pytest.mark.parametrize("classes", [2, 25, 100])
def test_a_matrix_of_many_classes_has_fewer_names_and_no_counts(tmp_path: Path, classes: int) -> None:
    names = [f"class_{index}" for index in range(classes)]
    evaluation.draw_confusion(np.full((classes, classes), 12_345), names, tmp_path / "confusion.svg")
    shown = words(tmp_path / "confusion.svg")
    assert shown.count("12,345") == (classes**2 if classes <= 25 else 0)
    assert len([word for word in shown if word.startswith("class_")]) == 2 * min(classes, 25)


def test_a_class_without_images_is_allowed(tmp_path: Path) -> None:
    evaluation.draw_confusion(np.zeros((3, 3), int), list("abc"), tmp_path / "confusion.svg")
    assert "0 of 0 images wrong" in words(tmp_path / "confusion.svg")


def test_a_prediction_names_the_likeliest_class(tmp_path: Path) -> None:
    probabilities = np.full(10, 0.005)
    probabilities[7] = 0.955
    image, original = np.zeros((32, 32, 1), np.uint8), np.zeros((300, 200, 3), np.uint8)
    evaluation.draw_prediction(image, original, probabilities, DIGITS, tmp_path / "prediction.svg")
    shown = words(tmp_path / "prediction.svg")
    assert {"7: 95.5 %", "Original image", "What the network sees", "probability (%)"} <= set(shown)
    assert {"200x300 pixels", "32x32 pixels"} <= set(shown)
    assert set(DIGITS) <= set(shown)


def test_a_prediction_has_its_title_and_is_never_certain(tmp_path: Path) -> None:
    image, title = np.zeros((28, 28, 1), np.uint8), "a$b_{.jpg, classified by 0001-lenet"
    probabilities = np.eye(10)[7] * 0.9996
    evaluation.draw_prediction(image, image, probabilities, DIGITS, tmp_path / "p.svg", size=(3000, 4000), title=title)
    assert {title, "3000x4000 pixels", "28x28 pixels", "7: &gt;99.9 %"} <= set(words(tmp_path / "p.svg"))


@pytest.mark.parametrize("shape", [(28, 28), (600, 800, 3), (800, 600, 3)])
def test_the_panels_of_a_prediction_have_one_height(shape: tuple[int, ...], tmp_path: Path) -> None:
    names = [f"a class of many words {index}" for index in range(10)]
    image = np.zeros((28, 28, 1), np.uint8)
    evaluation.draw_prediction(image, np.zeros(shape, np.uint8), np.full(10, 0.1), names, tmp_path / "p.svg")
    svg = (tmp_path / "p.svg").read_text(encoding="utf-8")
    frames = re.findall(r'<g id="axes_\d">\s*<g id="patch_\d+">\s*<path d="(.*?)"', svg, re.DOTALL)
    heights = [np.ptp([float(y) for y in re.findall(r"[ML] \S+ (\S+)", frame)]) for frame in frames]
    assert heights == pytest.approx([heights[0]] * 3, rel=1e-3)


def test_of_a_thousand_classes_ten_are_shown_likeliest_first(tmp_path: Path) -> None:
    probabilities = np.arange(1000) / np.arange(1000).sum()
    names = [f"class {index}" for index in range(1000)]
    image = np.zeros((32, 32, 3), np.uint8)
    evaluation.draw_prediction(image, image, probabilities, names, tmp_path / "prediction.svg")
    shown = [word for word in words(tmp_path / "prediction.svg") if re.fullmatch(r"class \d+", word)]
    assert shown == [f"class {index}" for index in range(999, 989, -1)]


def test_an_ensemble_shows_votes_mean_deviation_and_gain(tmp_path: Path) -> None:
    evaluation.draw_ensemble([99.2, 99.3, 99.4], 99.55, 99.5, tmp_path / "ensemble.svg", title="3 x lenet5")
    shown = words(tmp_path / "ensemble.svg")
    assert {"3 x lenet5", "soft vote +0.25 points over the mean of 3", "members"} <= set(shown)
    assert {"soft vote: 99.55 %", "hard vote: 99.50 %", "mean of the members: 99.30 ± 0.10 %"} <= set(shown)


def test_the_members_of_an_ensemble_have_their_labels(tmp_path: Path) -> None:
    evaluation.draw_ensemble([99.2, 99.3], 99.4, 99.4, tmp_path / "two.svg", labels=["0004-lenet", "0009-lenet"])
    assert {"0004-lenet", "0009-lenet"} <= set(words(tmp_path / "two.svg"))
    labels = [f"seed {seed}" for seed in range(50)]
    evaluation.draw_ensemble([99.0] * 50, 99.4, 99.4, tmp_path / "many.svg", labels=labels)
    assert [word for word in words(tmp_path / "many.svg") if word in labels] == labels[::2]


def test_an_ensemble_of_one_is_drawn(tmp_path: Path) -> None:
    evaluation.draw_ensemble([97.0], 97.0, 97.0, tmp_path / "ensemble.svg")
    assert "mean of the members: 97.00 %" in words(tmp_path / "ensemble.svg")


def test_the_suffix_chooses_the_format_and_nothing_else_is_left(tmp_path: Path) -> None:
    evaluation.draw_ensemble([97.0, 98.0], 98.5, 98.0, tmp_path / "pictures" / "ensemble.png")
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["ensemble.png"]
    with Image.open(tmp_path / "pictures" / "ensemble.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [r"$\q$", "猫"])
def test_names_are_not_formulas_and_can_be_in_any_script(tmp_path: Path, name: str) -> None:
    images = np.zeros((1, 8, 8, 3), "uint8")
    pictures: dict[str, Callable[[Path], None]] = {
        "curves": lambda path: training.draw_curves(history(2), path, title=name),
        "confusion": lambda path: evaluation.draw_confusion(np.eye(2, dtype=int), [name, "other"], path, title=name),
        "preview": lambda path: training.draw_preview(images, [images], [name], path, labels=[[name]], title=name),
        "prediction": lambda path: evaluation.draw_prediction(images[0], images[0], [0.9, 0.1], [name, "other"], path),
        "ensemble": lambda path: evaluation.draw_ensemble(
            [98.0, 99.0], 99.2, 99.1, path, labels=[name, "other"], title=name
        ),
        "sweep": lambda path: training.draw_sweep({"model.name": [name, "other"]}, [[90.0], [91.0]], path),
        "comparison": lambda path: training.draw_comparison({name: history(2), "other": history(2)}, path),
    }
    for which, draw in pictures.items():
        draw(tmp_path / f"{which}.svg")
        assert any(name in shown for shown in words(tmp_path / f"{which}.svg")), which


def test_drawing_touches_nothing_global(tmp_path: Path) -> None:
    code = (
        "import sys, matplotlib; before = dict(matplotlib.rcParams)\n"
        "from pathlib import Path; from cnnzoo.pictures import evaluation\n"
        f"evaluation.draw_ensemble([97.0], 97.0, 97.0, Path({str(tmp_path / 'ensemble.png')!r}))\n"
        "sys.exit(dict(matplotlib.rcParams) != before or bool({'matplotlib.pyplot', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_sweep_has_a_panel_per_key_and_names_its_best_point(tmp_path: Path) -> None:
    values = {"optimizer.learning_rate": [0.001, 0.01, 0.1], "model.activation": ["relu", "tanh", "relu"]}
    training.draw_sweep(values, [[97.0, 98.0], [99.0], [90.0]], tmp_path / "sweep.svg", title="3 points of lenet")
    shown = words(tmp_path / "sweep.svg")
    assert {"3 points of lenet", "best: 99.00 %", "optimizer.learning_rate", "model.activation"} <= set(shown)
    assert {"0.001", "0.01", "0.1", "relu", "tanh"} <= set(shown)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([0.001, 0.01], "log"),
        ([32, 64, 128, 256], "log"),
        ([0.0001, 0.0005, 0.003, 0.02, 0.09], "log"),
        ([1, 2, 3, 4, 5], "linear"),
        ([0.0, 0.1], "linear"),
        ([2, 3], "linear"),
    ],
)
def test_values_separated_by_factors_have_a_logarithmic_axis(values: list[float], scale: str) -> None:
    axes = Figure().subplots()
    assert training._scale_to_values(axes, values) == values
    assert axes.get_xscale() == scale


def test_runs_are_compared_by_their_validation_curves(tmp_path: Path) -> None:
    training.draw_comparison({"runs/0001-a$b$": history(3), "runs/0002": history(40)}, tmp_path / "curves.svg")
    assert {"Validation loss", "Validation error", "runs/0001-a$b$", "runs/0002"} <= set(words(tmp_path / "curves.svg"))


def test_a_picture_does_not_depend_on_a_program_or_a_matplotlibrc(tmp_path: Path) -> None:
    training.draw_curves(history(3), tmp_path / "usual.png")
    with mpl.rc_context({"text.usetex": True, "figure.facecolor": "black", "font.size": 30, "savefig.format": "pdf"}):
        training.draw_curves(history(3), tmp_path / "unusual.png")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "unusual.png").read_bytes() == (tmp_path / "usual.png").read_bytes()


def test_a_path_may_be_a_string_and_the_same_picture_has_the_same_bytes(tmp_path: Path) -> None:
    for number in (1, 2):
        training.draw_curves(history(2), str(tmp_path / f"{number}.svg"), title=str(tmp_path))
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
    assert f"<dc:title>{tmp_path}</dc:title>" in (tmp_path / "1.svg").read_text(encoding="utf-8")


def test_a_picture_that_cannot_be_drawn_gives_a_sentence_and_no_error(tmp_path: Path) -> None:
    folder, unknown = tmp_path / "curves.png", tmp_path / "curves.abc"
    folder.mkdir()
    inside = folder / "again.png" / "curves.png"
    assert try_drawing(inside, training.draw_curves, history(1), title="one") is None
    assert inside.is_file()
    answer = try_drawing(folder, training.draw_curves, history(1))
    assert answer == f"{folder} cannot be written: Is a directory"
    answer = try_drawing(inside / "curves.png", training.draw_curves, history(1))
    assert answer is not None
    assert answer.startswith(f"{inside} cannot be written: ")
    answer = try_drawing(unknown, training.draw_curves, history(1))
    assert answer is not None
    assert answer.startswith(f"{unknown} could not be drawn: Format 'abc' is not supported")
