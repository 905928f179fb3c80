"""``cnnzoo bench``: measure the speed of networks."""

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console

from cnnzoo import catalogue, runtime
from cnnzoo.cli.options import device_option
from cnnzoo.cli.output import json_option, numbers_table, print_json, print_table, progress, results
from cnnzoo.runtime import DeviceChoice, Precision
from cnnzoo.text import count

if TYPE_CHECKING:
    from cnnzoo.bench import Contender, Measurement, Task

# Images of more points a side than this are large: a batch of 128 of them may not fit into memory.
SMALL_SIDE, SMALL_BATCH, LARGE_BATCH = 64, 128, 16


@click.command("bench")
@click.argument("networks", metavar="NETWORK...", nargs=-1, required=True)
@click.option(
    "--against",
    type=click.Choice(["keras", "torch"]),
    multiple=True,
    help="Also measure plain Keras or plain PyTorch, in turn with ours; repeatable.",
)
@click.option("--batch", type=click.IntRange(min=1), help="Images in a batch; 128, or 16 if they are large.")
@click.option("--steps", type=click.IntRange(min=1), default=20, show_default=True, help="Batches in a round.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds that count.")
@click.option("--turns", type=click.IntRange(min=1), help="Turns; 3 with --against, otherwise 1.")
@click.option(
    "--backend", type=click.Choice(runtime.BACKENDS), help="Keras's backend; by default as for the other commands."
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "mixed_bfloat16"]),
    default="float32",
    show_default=True,
    help="Number type of the computation.",
)
@device_option
@json_option
def command(
    networks: tuple[str, ...],
    against: tuple["Contender", ...],
    batch: int | None,
    steps: int,
    rounds: int,
    turns: int | None,
    backend: str | None,
    precision: Precision,
    device: DeviceChoice | None,
    as_json: bool,
) -> None:
    """Measure how fast networks train and classify, on random images of their own size.

    Each measurement is a process of its own: one round that compiles, and then rounds that count. A figure is the
    median of the rounds, and with several turns the median of the turns. Ratios are taken within a turn, because the
    speed of a machine varies; leave the machine alone meanwhile.

    cnnzoo trains as `cnnzoo train` does, without augmentation and auxiliary heads, and for Go without computing the
    planes. Plain Keras has the same layers in `keras.Model.fit` on float32 arrays. Plain PyTorch has the same layers in
    an eager loop, channels last. All use SGD with momentum.
    """
    from cnnzoo import bench  # loads NumPy

    name = runtime.resolve_backend(backend)
    runtime.check_installed(name)
    if "torch" in against:
        runtime.check_installed("torch")
    contenders: list[Contender] = ["ours", *dict.fromkeys(against)]
    tasks = [
        bench.Task(
            network=network,
            contender=contender,
            backend=name,
            device=device or "auto",
            precision=precision,
            batch_size=batch or _choose_batch(network),
            steps=steps,
            rounds=rounds,
        )
        for network in dict.fromkeys(networks)
        for contender in contenders
    ]
    total = turns or (3 if against else 1)
    found = bench.measure(tasks, total, _report)
    if as_json:
        print_json({"machine": runtime.describe(), "measurements": [each.to_dict() for each in found]})
        return
    _print(results(), found)


def _choose_batch(network: str) -> int:
    """Return the default batch size of a network.

    Raises:
        UserError: There is no such network.
    """
    return SMALL_BATCH if max(catalogue.card(network).input_shape[:2]) <= SMALL_SIDE else LARGE_BATCH


def _report(turn: int, measurement: "Measurement") -> None:
    task = measurement.task
    from cnnzoo import bench

    progress().print(
        f"turn {turn}: {task.network}, {bench.LABELS[task.contender]}: {measurement.training:,.0f} images/s",
        style="dim",
    )


def _print(console: Console, found: "Sequence[Measurement]") -> None:
    """Print a table, and the ratios of ours to others."""
    from cnnzoo import bench

    groups = list(bench.group(found))
    table = numbers_table(
        "network, batch", "program", "training images/s", "step ms", "compiling s", "inference images/s", "memory MiB"
    )
    for task, each in groups:
        table.add_row(
            f"{task.network}, {task.batch_size}",
            bench.LABELS[task.contender],
            _median([one.training for one in each], ",.0f"),
            _median([1000 * one.step_seconds for one in each], ",.1f"),
            _median([one.compile_seconds for one in each], ",.1f"),
            _median([one.inference for one in each], ",.0f"),
            _median([one.result.peak_bytes / 2**20 for one in each], ",.0f"),
        )
    print_table(console, table)
    for task, each in groups:
        if task.contender != "ours":
            ours = next(other for first, other in groups if _are_peers(first, task))
            for noun in ("training", "inference"):
                speeds = ([getattr(one, noun) for one in group] for group in (ours, each))
                middle, low, high = bench.compare(*speeds)
                programs = f"cnnzoo / {bench.LABELS[task.contender]}"
                extent = f"({low:.2f} to {high:.2f})" if len(each) > 1 else "(one turn)"
                console.print(f"{task.network}, {noun}: {programs} {middle:.2f} {extent}")
    task, each = groups[0]
    turns = count(len(each), "turn")
    console.print(f"{turns} of {count(task.rounds, 'round')} of {count(task.steps, 'step')}, {task.precision}.")
    for device in dict.fromkeys(one.result.device for one in found):
        console.print(f"On {device}.")
    for note in dict.fromkeys(one.result.note for one in found if one.result.note):
        console.print(note)
    console.print("Compiling: what the first round takes longer than the others.")


def _are_peers(ours: "Task", other: "Task") -> bool:
    return ours.contender == "ours" and ours.network == other.network


def _median(values: Sequence[float], form: str) -> str:
    return format(statistics.median(values), form)
