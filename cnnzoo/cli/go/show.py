"""``cnnzoo go show``: what a policy network predicts in a game."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from cnnzoo.classifier.policy import DEFAULT_MODEL, Symmetries, find_source, open_policy
from cnnzoo.cli.go.policy_options import symmetries_option, unfinished_option
from cnnzoo.cli.lab.common import picture_option, picture_path
from cnnzoo.cli.options import device_option
from cnnzoo.cli.output import json_option, numbers_table, percent, print_json, print_table, progress, results
from cnnzoo.errors import UserError
from cnnzoo.go.board import PASS
from cnnzoo.go.game import COLOUR_NAMES
from cnnzoo.go.prediction import Prediction, find_position, predict_move
from cnnzoo.go.records import Note, Record, count_legal
from cnnzoo.go.sgf_game import read_game
from cnnzoo.go.vertices import name_vertex
from cnnzoo.runtime import DeviceChoice
from cnnzoo.text import printable

if TYPE_CHECKING:
    from rich.table import Table

# Notes on a record that do not matter for one position.
UNIMPORTANT = {Note.NO_DATE, Note.SETUP}
# Probability on illegal points from which it is mentioned.
MENTIONED = 0.0005


@click.command("show")
@click.argument("path", metavar="GAME.sgf", type=click.Path(path_type=Path))
@click.argument("number", metavar="[MOVE]", type=click.IntRange(min=1), required=False)
@click.option(
    "--model", "source", metavar="RUN|MODEL", default=DEFAULT_MODEL, show_default=True, help="The policy network."
)
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Number of moves to list.")
@symmetries_option
@unfinished_option
@device_option
@picture_option("policy")
@json_option
def command(
    path: Path,
    number: int | None,
    source: str,
    top: int,
    symmetries: Symmetries,
    unfinished: bool,
    device: DeviceChoice | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show what a policy network predicts before a move of a game, beside the move that was played.

    Moves count from 1; without MOVE it is the position at the end of the game. RUN|MODEL is a run, a .keras file, or
    the name of a model that ships with cnnzoo. Moves are ranked among the legal points; the network predicts no
    passes.
    """
    record = read_game(path)
    policy = open_policy(find_source(source, unfinished), device or "auto", symmetries)
    size, title = policy.metadata.size, printable(policy.metadata.title)
    if record.size != size:
        raise UserError(f"{path} has a board of {record.size}x{record.size}, and {title} plays on {size}x{size}.")
    legal = count_legal(record)
    if number is not None and number <= legal < len(record.moves):
        record = record.cut(legal, Note.ILLEGAL_MOVE)
    position = find_position(record, number)
    progress().print(f"Loading {title} ...", style="dim")
    prediction = predict_move(position, policy)
    for note in [*filter(None, [policy.note]), *(note for note in record.notes if note not in UNIMPORTANT)]:
        click.echo(f"Note: {note}", err=True)
    picture = picture_path(output, "policy")
    _draw(record, prediction, title, picture)
    if as_json:
        print_json(_describe(record, prediction, title, top) | {"path": str(picture)})
        return
    colour = COLOUR_NAMES[prediction.board.to_move]
    click.echo(f"{path}, {_name_position(record, prediction)}: {colour} to move")
    print_table(results(), _tabulate(prediction, top))
    click.echo(_name_played(prediction))
    if prediction.illegal_share >= MENTIONED:
        click.echo(f"Illegal points together get {percent(prediction.illegal_share)} %.")
    click.echo(f"Picture: {picture}")


def _name_position(record: Record, prediction: Prediction) -> str:
    if prediction.played is None:
        return f"after all {len(record.moves)} moves"
    return f"move {prediction.number} of {len(record.moves)}"


def _name_played(prediction: Prediction) -> str:
    """Return a sentence about the move that was played."""
    played = prediction.played
    if played is None:
        return "The record ends here."
    if played == PASS:
        return "Played: pass, which the network does not predict"
    probability = percent(float(prediction.probabilities[played]))
    return f"Played: {name_vertex(played, prediction.board.size)}, rank {prediction.rank}, {probability} %"


def _tabulate(prediction: Prediction, top: int) -> "Table":
    table = numbers_table("rank", "move", "probability %")
    for rank, point in enumerate(prediction.legal[:top], start=1):
        probability = float(prediction.probabilities[point])
        table.add_row(str(rank), name_vertex(point, prediction.board.size), percent(probability))
    return table


def _describe(record: Record, prediction: Prediction, model: str, top: int) -> dict[str, Any]:
    """Return the prediction as an object of JSON."""
    size, played = prediction.board.size, prediction.played
    is_point = played is not None and played != PASS
    return {
        "game": record.file,
        "players": {colour: record.details[colour] for colour in ("black", "white")},
        "model": model,
        "move": prediction.number,
        "to_move": COLOUR_NAMES[prediction.board.to_move].lower(),
        "played": None if played is None else name_vertex(played, size),
        "rank": prediction.rank,
        "probability": float(prediction.probabilities[played]) if is_point else None,
        "illegal_share": prediction.illegal_share,
        "top": [
            {"move": name_vertex(point, size), "probability": float(prediction.probabilities[point])}
            for point in prediction.legal[:top]
        ],
    }


def _draw(record: Record, prediction: Prediction, model: str, path: Path) -> None:
    from cnnzoo.pictures.go import draw_policy  # loads matplotlib
    from cnnzoo.pictures.style import shorten

    board = prediction.board
    size = board.size
    black, white = (shorten(printable(name)) for name in (record.details["black"], record.details["white"]))
    shown = np.zeros(size * size)
    shown[list(prediction.legal)] = prediction.probabilities[list(prediction.legal)]
    places = [
        divmod(point, size) if point is not None and point != PASS else None
        for point in (prediction.played, prediction.last.point if prediction.last else None)
    ]
    players = f"{black or 'Black'} against {white or 'White'}"
    title = f"{players}\n{_name_position(record, prediction)}: {model} predicts {COLOUR_NAMES[board.to_move]}'s move"
    draw_policy(
        np.array(board.stones).reshape(size, size),
        shown.reshape(size, size),
        path,
        played=places[0],
        last=places[1],
        title=title,
    )
