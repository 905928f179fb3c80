"""Commands that begin a game from stones on the board: handicaps, set-up positions, and games from files."""

from pathlib import Path

from cnnzoo.go.board import BLACK, PASS, WHITE, IllegalMoveError
from cnnzoo.go.gtp.session import CommandError, Function, Session, check_count, read_colour, read_integer, read_vertex
from cnnzoo.go.sgf_game import read_game, replay
from cnnzoo.go.star_points import handicap_points, most_handicap_stones
from cnnzoo.go.vertices import name_vertex


def place_fixed_handicap(session: Session, arguments: list[str]) -> str:
    """Put handicap stones on the star points and return these."""
    check_count(arguments, 1)
    stones, most = read_integer(arguments[0]), most_handicap_stones(session.size)
    if not 2 <= stones <= most:
        raise CommandError(f"invalid number of stones: this board takes 2 to {most}")
    return _begin_with_handicap(session, handicap_points(session.size, stones))


def place_free_handicap(session: Session, arguments: list[str]) -> str:
    """Put handicap stones where the player likes, which is on star points; place fewer if there are not enough."""
    check_count(arguments, 1)
    stones = read_integer(arguments[0])
    if not 2 <= stones < session.size**2:
        raise CommandError(f"invalid number of stones: this board takes 2 to {session.size**2 - 1}")
    placed = min(stones, most_handicap_stones(session.size))
    return _begin_with_handicap(session, handicap_points(session.size, placed))


def set_free_handicap(session: Session, arguments: list[str]) -> str:
    """Put handicap stones where the other program says."""
    if not 2 <= len(arguments) < session.size**2:
        raise CommandError("bad vertex list: a handicap has two points or more, and not all of the board")
    points = [read_vertex(text, session.size) for text in arguments]
    if PASS in points or len(set(points)) < len(points):
        raise CommandError("bad vertex list: each stone needs a point of its own")
    _begin_with_handicap(session, points)
    return ""


def _begin_with_handicap(session: Session, points: list[int]) -> str:
    if any(session.game.board.stones):
        raise CommandError("board not empty")
    _set_up(session, points, [], WHITE)
    return " ".join(name_vertex(point, session.size) for point in points)


def _set_up(session: Session, black: list[int], white: list[int], to_move: int) -> None:
    try:
        session.game.set_up(black, white, to_move)
    except IllegalMoveError as error:
        raise CommandError(f"bad vertex list: {error}") from None


def set_up_position(session: Session, arguments: list[str]) -> str:
    """Begin with any stones, as GoGui sends them: colour and point, again and again; Black moves first."""
    if len(arguments) % 2:
        raise CommandError("syntax error: this command takes pairs of a color and a point")
    stones: dict[int, int] = {}
    for colour, vertex in zip(arguments[::2], arguments[1::2], strict=True):
        stones[read_vertex(vertex, session.size)] = read_colour(colour)
    if PASS in stones or 2 * len(stones) < len(arguments):
        raise CommandError("bad vertex list: each stone needs a point of its own")
    black, white = ([point for point, colour in stones.items() if colour == each] for each in (BLACK, WHITE))
    _set_up(session, black, white, BLACK)
    return ""


def set_first_player(session: Session, arguments: list[str]) -> str:
    """Say who moves first after ``gogui-setup``."""
    check_count(arguments, 1)
    colour = read_colour(arguments[0])
    if session.game.moves:
        raise CommandError("a move has been played already")
    stones = session.game.board.stones
    black, white = ([point for point, other in enumerate(stones) if other == each] for each in (BLACK, WHITE))
    _set_up(session, black, white, colour)
    return ""


def load_game(session: Session, arguments: list[str]) -> str:
    """Load the main line of a game from an SGF file, up to before a move if its number follows the file's name."""
    if not arguments:
        raise CommandError("syntax error: this command takes a file and, if you like, the number of a move")
    has_number = len(arguments) > 1 and arguments[-1].isascii() and arguments[-1].isdigit()
    number = read_integer(arguments[-1]) if has_number else None
    path = Path(" ".join(arguments[:-1] if has_number else arguments))
    record = read_game(path)
    if record.size != session.size:
        raise CommandError(
            f"cannot load file: it has a board of {record.size}x{record.size}, and the model plays on "
            f"{session.size}x{session.size}"
        )
    moves = len(record.moves) if number is None else min(max(number - 1, 0), len(record.moves))
    session.game = replay(record, moves)
    return ""


COMMANDS: dict[str, Function] = {
    "fixed_handicap": place_fixed_handicap,
    "place_free_handicap": place_free_handicap,
    "set_free_handicap": set_free_handicap,
    "gogui-setup": set_up_position,
    "gogui-setup_player": set_first_player,
    "loadsgf": load_game,
}
