"""``cnnzoo go match``: games between two engines."""

import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnnzoo import runs
from cnnzoo.cli.options import NewDirectory
from cnnzoo.cli.output import json_option, numbers_table, percent, print_json, print_table, progress, results
from cnnzoo.errors import UserError
from cnnzoo.go.records import check_sgfmill
from cnnzoo.jobs.local import treat_kills_as_ctrl_c
from cnnzoo.runs.directory import Directory
from cnnzoo.text import count, listed

if TYPE_CHECKING:
    from cnnzoo.go.match import MatchFolder, PlayedGame, Settings, Summary, Table

# The most games that are listed by number.
MOST_LINES = 10

# How a game was won, by the reason of its end.
WAYS = {
    "score": "by score",
    "limit": "by score at the limit of moves",
    "resign": "by resignation",
    "illegal": "by an illegal move of the opponent",
    "time": "because the opponent was too slow",
    "died": "because the opponent's process ended",
    "error": "because the opponent answered wrongly",
}


@click.command("match")
@click.argument("engine_a", metavar="[ENGINE_A]", required=False)
@click.argument("engine_b", metavar="[ENGINE_B]", required=False)
@click.option("--games", type=int, help="Number of games; 20 by default.")
@click.option("--size", type=int, help="Points a side, 7 to 19; 19 by default.")
@click.option("--komi", type=float, help="White's points for moving second; 7.5 by default.")
@click.option("--opening-moves", type=int, help="Random moves that a game starts with; 4 by default.")
@click.option("--seed", type=int, help="Seed of the openings; 0 by default.")
@click.option("--time", type=float, metavar="SECONDS", help="Who takes longer for a move loses; 60 by default.")
@click.option(
    "--referee",
    metavar="COMMAND",
    help="The engine that scores, by default 'gnugo --mode gtp --chinese-rules'; none: all stones count as alive.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, help="Games at once, each with engines of its own; 1 by default."
)
@click.option("--output", type=NewDirectory(), help="A new directory; by default runs/NNNN-match.")
@click.option(
    "--resume", "unfinished", type=click.Path(path_type=Path), metavar="DIRECTORY", help="Continue this match."
)
@json_option
def command(
    jobs: int, output: Path | None, unfinished: Path | None, as_json: bool, **values: str | float | None
) -> None:
    """Let two engines play games against each other, and print how often A wins.

    An engine is the command line of a program that speaks the Go Text Protocol (GTP), as one text, such as
    'gnugo --mode gtp --level 1'.

    A has Black in the first game, and the colours alternate. Both games of a pair begin with the same random moves in
    the corners, because engines without chance of their own would repeat one game. The rules are Chinese, with
    positional superko and without suicide. An engine that plays an illegal move, is too slow or ends loses the game;
    it is told neither of superko nor of the time. A game ends after two passes, or after twice as many moves as the
    board has points.

    The win rate has Wilson's 95 % interval. It counts identical games once, and leaves out draws and games that the
    referee cannot score; their numbers are printed. The directory gets an SGF file of each game, and match.json.
    """
    from cnnzoo.go import match as matches  # loads NumPy

    given = {name: value for name, value in values.items() if value is not None}
    check_sgfmill()
    with treat_kills_as_ctrl_c(), ExitStack() as stack:
        if unfinished:
            if output:
                raise UserError("--resume continues in the directory of the match; leave out --output.")
            matches.open_match(unfinished)  # no lock is made in a directory of anything else
            stack.enter_context(Directory(unfinished).locked())
            folder = matches.open_match(unfinished)
            _compare_settings(folder, given)
            if folder.find_missing():
                _play(folder, _seat(stack, folder.settings, folder), jobs)
        else:
            settings = _make_settings(given)
            table = _seat(stack, settings)
            directory = runs.make_directory(output, runs.RUNS, "match")
            stack.enter_context(Directory(directory).locked())
            folder = matches.MatchFolder(directory, settings, table.start())
            folder.write()
            _play(folder, table, jobs)
    if as_json:
        print_json({"directory": str(folder.directory), **folder.to_dict()})
    else:
        _print_result(folder)


def _make_settings(given: dict[str, Any]) -> "Settings":
    """Return the settings of a new match.

    Raises:
        UserError: An engine is missing, or a value is not possible.
    """
    from cnnzoo.go.match import Settings

    if "engine_b" not in given:
        raise UserError(
            "Name two engines, each as one text, such as: "
            "cnnzoo go match 'gnugo --mode gtp --level 1' 'gnugo --mode gtp --level 10'"
        )
    settings = Settings(**given)
    settings.check()
    return settings


def _compare_settings(folder: "MatchFolder", given: dict[str, Any]) -> None:
    """Check the settings of the command line against those of a match that continues.

    Raises:
        UserError: They differ.
    """
    for name, value in given.items():
        own = getattr(folder.settings, name)
        if value != own:
            option = name.upper() if name.startswith("engine") else f"--{name.replace('_', '-')}"
            raise UserError(
                f"{option} {value} differs from {own}, the setting of the match in {folder.directory}; leave it out to "
                "continue, or leave out --resume to begin another match."
            )


def _seat(stack: ExitStack, settings: "Settings", folder: "MatchFolder | None" = None) -> "Table":
    """Return a table whose engines have started, and end with the stack.

    Raises:
        UserError: An engine cannot play, or is another one than in the first games of the match in ``folder``.
    """
    from cnnzoo.go.match import Table

    progress().print("Starting the engines ...", style="dim")
    table = stack.enter_context(Table(settings))
    titles = table.start()
    if folder and titles != folder.titles:
        raise UserError(
            f"{folder.directory} has games of {folder.titles}, and its commands now start {titles}; "
            "leave out --resume to begin another match."
        )
    return table


def _play(folder: "MatchFolder", table: "Table", jobs: int) -> None:
    """Play the missing games, with a line for each."""
    from cnnzoo.go.match import play

    console, settings = progress(), folder.settings
    if finished := len(folder.games):
        console.print(f"{folder.directory} has {finished} of {count(settings.games, 'game')} and continues.")
    if settings.games % 2:
        console.print(f"{count(settings.games, 'game')}: the last opening is played only once, with A as Black.")

    def show(game: "PlayedGame") -> None:
        line = f"game {game.number} of {settings.games}: {game.describe(folder.titles)}"
        console.print(line, soft_wrap=True)

    try:
        play(folder, table, jobs, show)
    except (KeyboardInterrupt, UserError):
        again = shlex.join(["cnnzoo", "go", "match", "--resume", str(folder.directory)])
        console.print(f"Continue with: {again}", soft_wrap=True)
        raise


def _print_result(folder: "MatchFolder") -> None:
    """Print the win rates of A, how the games ended, and what does not count."""
    from cnnzoo.go.match import FAULTS, count_distinct

    result, titles, settings, console = folder.summarize(), folder.titles, folder.settings, results()
    console.print(f"{titles.a} (A) against {titles.b} (B), {count(result.played, 'game')}")
    table = numbers_table("wins of A", "wins", "games", "win rate %", "95 % interval")
    rows = {"all": result.total, "with Black": result.as_black, "with White": result.as_white}
    for name, rate in rows.items():
        interval = f"{percent(rate.low)} to {percent(rate.high)}" if rate.games else ""
        table.add_row(name, str(rate.wins), str(rate.games), percent(rate.rate), interval)
    print_table(console, table)
    scoring = "no referee: all stones count as alive" if titles.referee == "none" else f"referee {titles.referee}"
    rules = f"{settings.size}x{settings.size}, Chinese, positional superko, komi {settings.komi:g}; {scoring}"
    drawn = settings.make_openings()
    openings = f"{settings.opening_moves} random moves, seed {settings.seed}, each for a pair of games"
    if repeated := len(drawn) - count_distinct(drawn, settings.size):
        openings += f"; {repeated} of {len(drawn)} repeat another one"
    engines = [f"Engine A: {settings.engine_a}", f"Engine B: {settings.engine_b}"]
    lines = [*_list_endings(result), *engines, f"Rules: {rules}.", f"Openings: {openings}.", *_list_left_out(result)]
    failed = [game for game in folder.games if game.reason in FAULTS or game.is_unscored]
    lines += [f"Game {game.number}: {game.describe(titles)}." for game in failed[:MOST_LINES]]
    if more := len(failed[MOST_LINES:]):
        lines.append(f"An engine or the referee failed in {count(more, 'more game')}: see match.json.")
    for line in lines:
        console.print(line, soft_wrap=True)
    console.print(f"Saved in {folder.directory}: match.json and {count(result.played, 'SGF file')}.", soft_wrap=True)


def _list_endings(result: "Summary") -> list[str]:
    """Return sentences about how the games ended, how long they were, and how long the engines took."""
    wins = [
        f"{label} won {number} {way}"
        for reason, way in WAYS.items()
        for label, number in result.endings.get(reason, {}).items()
        if number
    ]
    speeds = [f"{label} {speed:.2f}" for label, speed in result.seconds_per_move.items() if speed is not None]
    return [
        f"Ended: {', '.join(wins) or 'no game has a winner'}.",
        f"Mean length: {result.mean_moves or 0:.0f} moves. Seconds a move: {', '.join(speeds) or 'none asked for'}.",
    ]


def _list_left_out(result: "Summary") -> list[str]:
    """Return sentences about the games that are left out of the win rate."""
    lines = []
    if result.repeated:
        same = listed([f"{game} as {first}" for game, first in result.repeated.items()], MOST_LINES)
        lines.append(f"Left out, identical games: {len(result.repeated)} ({same}).")
    if result.draws:
        lines.append(f"Left out, draws: {result.draws}.")
    if result.unscored:
        numbers = listed([f"game {number}" for number in result.unscored], MOST_LINES)
        lines.append(f"Left out, not scored by the referee: {len(result.unscored)} ({numbers}).")
    return lines
