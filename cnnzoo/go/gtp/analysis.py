"""Commands that show the policy: analysis as Leela Zero sends it, GoGui's heat map, and text.

A policy knows no values and reads nothing ahead, so nothing is invented: ``visits`` and ``prior`` are both its
probability in hundredths of a percent, ``winrate`` is 5000 (half) for each move, and ``pv`` is the move alone. Points
that the player may not choose are left out, so the probabilities can sum to less than 1.
"""

from collections.abc import Iterator

from cnnzoo.go.gtp.playing import choose_and_play
from cnnzoo.go.gtp.session import (
    COLOURS,
    Analysis,
    CommandError,
    Function,
    Session,
    check_count,
    read_colour,
    read_integer,
    read_vertex,
)
from cnnzoo.go.player import Candidate
from cnnzoo.go.vertices import name_vertex

# Seconds between two lines of an analysis, without an interval in the command.
DEFAULT_INTERVAL = 1.0
SHORTEST_INTERVAL = 0.1
TEXT_MOVES = 10
# The heat map's colours, from improbable to probable, as (red, green, blue), and the least probability that is shown.
LIGHT, STRONG = (255, 245, 200), (213, 94, 0)
LEAST_COLOURED, LEAST_LABELLED = 0.002, 0.01

GOGUI_COMMANDS = """\
gfx/Policy as a heat map/cnnzoo-policy_gfx %m
pstring/Policy as text/cnnzoo-policy %m"""


def analyze(session: Session, arguments: list[str]) -> Analysis:
    """Send the candidates again and again until the next input.

    Repeating is for Lizzie, which drops lines that come while it changes its own board.
    """
    colour, interval, excluded = _read_arguments(session, arguments)
    line = format_candidates(_list_candidates(session, colour, excluded), session.size)
    return Analysis(line and f"{line}\n", interval)


def generate_and_analyze(session: Session, arguments: list[str]) -> str:
    """Send the candidates once, then choose a move and play it."""
    colour, _, excluded = _read_arguments(session, arguments)
    if excluded:
        raise CommandError("syntax error: a move is generated without avoid and allow")
    line = format_candidates(_list_candidates(session, colour, excluded), session.size)
    move = choose_and_play(session, colour)
    return "\n".join(["", *([line] if line else []), f"play {move}"])


def _read_arguments(session: Session, arguments: list[str]) -> tuple[int, float, set[int]]:
    """Read [COLOUR] [CENTISECONDS] and pairs of keys and values.

    Lizzie leaves the colour out. The keys are Leela Zero's: ``interval``, ``avoid`` and ``allow``.

    Returns:
        The colour, the interval in seconds, and the points to leave out.
    """
    words = list(arguments)
    colour = read_colour(words.pop(0)) if words and words[0].lower() in COLOURS else session.game.board.to_move
    interval = DEFAULT_INTERVAL
    excluded: set[int] = set()
    if words and words[0].isdigit():
        interval = read_integer(words.pop(0)) / 100
    while words:
        key = words.pop(0).lower()
        if key == "interval" and words:
            interval = read_integer(words.pop(0)) / 100
        elif key in ("avoid", "allow") and len(words) >= 3:
            owner, names, turns = (words.pop(0) for _ in range(3))
            points = {read_vertex(name, session.size) for name in names.split(",")}
            if read_colour(owner) == colour and read_integer(turns):
                excluded |= points if key == "avoid" else set(range(session.size**2)) - points
        else:
            raise CommandError("syntax error: this command takes [color] [centiseconds] [avoid color points turns]")
    return colour, max(interval, SHORTEST_INTERVAL), excluded


def _list_candidates(session: Session, colour: int, excluded: set[int]) -> list[Candidate]:
    candidates = session.player.candidates(session.game, colour)
    return [candidate for candidate in candidates if candidate.point not in excluded]


def format_candidates(candidates: list[Candidate], size: int) -> str:
    """Return the line of an analysis; empty without candidates.

    A move of less than a two hundredth of a percent is left out, unless it is the first.
    """
    infos = []
    for order, (point, probability) in enumerate(candidates):
        name, prior = name_vertex(point, size), round(10_000 * probability)
        if prior == 0 and order > 0:
            break
        visits = max(prior, 1)  # programs divide by the largest
        infos.append(f"info move {name} visits {visits} winrate 5000 prior {prior} order {order} pv {name}")
    return " ".join(infos)


def _read_colour(session: Session, arguments: list[str]) -> int:
    if len(arguments) > 1:
        raise CommandError("syntax error: this command takes a color or nothing")
    return read_colour(arguments[0]) if arguments else session.game.board.to_move


def draw_policy(session: Session, arguments: list[str]) -> str:
    """Return the policy as GoGui's graphics: colours, labels in percent, and a line of text."""
    candidates = _list_candidates(session, _read_colour(session, arguments), set())
    return "\n".join(_draw(candidates, session.size)) if candidates else "TEXT no move is left but pass"


def _draw(candidates: list[Candidate], size: int) -> Iterator[str]:
    for point, probability in candidates:
        if probability >= LEAST_COLOURED:
            share = min(1.0, probability) ** 0.5  # so that small probabilities can be told apart
            mixed = (round(light + share * (strong - light)) for light, strong in zip(LIGHT, STRONG, strict=True))
            yield f"COLOR #{''.join(f'{value:02x}' for value in mixed)} {name_vertex(point, size)}"
    labels = [
        f"{name_vertex(point, size)} {100 * probability:.0f}"
        for point, probability in candidates
        if probability >= LEAST_LABELLED
    ]
    if labels:
        yield f"LABEL {' '.join(labels)}"
    shown = (f"{name_vertex(point, size)} {100 * probability:.1f} %" for point, probability in candidates[:5])
    yield f"TEXT {', '.join(shown)}"


def print_policy(session: Session, arguments: list[str]) -> str:
    """Return the likeliest moves and their probabilities in percent, a line each."""
    candidates = _list_candidates(session, _read_colour(session, arguments), set())
    lines = [f"{name_vertex(point, session.size):4} {100 * p:6.2f} %" for point, p in candidates[:TEXT_MOVES]]
    return "\n".join(["", *lines]) if lines else "no move is left but pass"


def list_gogui_commands(_: Session, arguments: list[str]) -> str:
    """Return the commands that GoGui puts into its menu, as type, label and command."""
    check_count(arguments, 0)
    return GOGUI_COMMANDS


COMMANDS: dict[str, Function] = {
    "analyze": analyze,
    "lz-analyze": analyze,
    "genmove_analyze": generate_and_analyze,
    "lz-genmove_analyze": generate_and_analyze,
    "cnnzoo-policy": print_policy,
    "cnnzoo-policy_gfx": draw_policy,
    "gogui-analyze_commands": list_gogui_commands,
}
