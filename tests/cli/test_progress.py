import pytest
from rich.progress import Progress

from cnnzoo.cli import output
from cnnzoo.cli.progress import TimesColumn, training_listener
from cnnzoo.training import TrainingFacts

FACTS = TrainingFacts(
    model="lenet5",
    parameters=61_706,
    data="digits",
    noun="image",
    training_images=1293,
    validation_images=144,
    note="",
    summary=[],
    backend="tensorflow",
    device="CPU",
    seed=0,
    run="runs/0001-digits",
    epochs=100,
    steps=10,
)
ROW = {
    "epoch": 100,
    "loss": 0.5,
    "accuracy": 1.0,
    "validation_loss": 0.25,
    "validation_accuracy": 0.995,
    "learning_rate": 0.000314,
}


def test_bar_and_rows_fit_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    console = output.progress()
    with training_listener(console) as listener:
        listener.started(FACTS)
        listener.step(100, 5)
        listener.epoch(ROW, 123_456, best=True)
    shown = capsys.readouterr().err
    assert "Run   runs/0001-digits, seed 0" in shown
    assert "epoch 100/100 " in shown
    assert " elapsed" in shown
    assert "  100/100   0.5000   100.00 %     0.2500     99.50 %*      0.000314    123,456" in shown


def test_elapsed_and_remaining_time_have_labels() -> None:
    now = [0.0]
    with Progress(get_time=lambda: now[0], disable=True) as bar:
        task = bar.add_task("compiling", total=None)
        column = TimesColumn()
        now[0] = 2.0
        assert column.render(bar.tasks[0]).plain == "0:00:02 elapsed"
        bar.update(task, total=100)
        for second in range(3, 9):
            now[0] = float(second)
            bar.update(task, completed=10 * (second - 2))
        assert column.render(bar.tasks[0]).plain == "0:00:08 elapsed, 0:00:04 left"
