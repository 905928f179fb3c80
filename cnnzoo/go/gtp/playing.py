"""Commands that play: moves, taking them back, clocks, and the result."""

from cnnzoo.go.board import BLACK, EMPTY, WHITE, IllegalMoveError
from cnnzoo.go.game import COLOUR_NAMES
from cnnzoo.go.gtp.session import (
    CommandError,
    Function,
    Session,
    check_count,
    read_colour,
    read_integer,
    read_number,
    read_vertex,
)
from cnnzoo.go.scoring import area_score, format_score
from cnnzoo.go.vertices import COLUMNS, name_vertex
from cnnzoo.text import count

# Number of further arguments of each of KGS's systems of time.
KGS_CLOCKS = {"none": 0, "absolute": 1, "byoyomi": 3, "canadian": 3}


def set_board_size(session: Session, arguments: list[str]) -> str:
    """Clear the board, if the size is that of the model."""
    check_count(arguments, 1)
    size = read_integer(arguments[0])
    if size != session.size:
        raise CommandError(f"unacceptable size: the model plays on {session.size}x{session.size}")
    session.game.clear()
    return ""


def clear_board(session: Session, arguments: list[str]) -> str:
    """Begin a new game; the komi stays."""
    check_count(arguments, 0)
    session.game.clear()
    return ""


def set_komi(session: Session, arguments: list[str]) -> str:
    """Set the komi, which counts in ``final_score`` only."""
    check_count(arguments, 1)
    session.game.komi = read_number(arguments[0])
    return ""


def play(session: Session, arguments: list[str]) -> str:
    """Play a move of either colour, even if it repeats a position: the other program may have other rules."""
    check_count(arguments, 2)
    colour, point = read_colour(arguments[0]), read_vertex(arguments[1], session.size)
    try:
        session.game.play(point, colour, superko=False)
    except IllegalMoveError as error:
        raise CommandError(f"illegal move: {error}") from None
    return ""


def play_several(session: Session, arguments: list[str]) -> str:
    """Play moves in a row, all or none, as GoGui sends them: colour and point, again and again."""
    if len(arguments) % 2:
        raise CommandError("syntax error: this command takes pairs of a color and a point")
    before = len(session.game.moves)
    try:
        for start in range(0, len(arguments), 2):
            play(session, arguments[start : start + 2])
    except CommandError:
        while len(session.game.moves) > before:
            session.game.undo()
        raise
    return ""


def generate_move(session: Session, arguments: list[str]) -> str:
    """Choose a move, play it and return its name."""
    check_count(arguments, 1)
    return choose_and_play(session, read_colour(arguments[0]))


def choose_and_play(session: Session, colour: int, *, answers_passes: bool = True) -> str:
    """Play the move that the player chooses, and return its name."""
    point = session.player.choose(session.game, colour, answers_passes=answers_passes)
    session.game.play(point, colour)
    return name_vertex(point, session.size)


def clean_up(session: Session, arguments: list[str]) -> str:
    """Choose and play a move after the game, when KGS has dead stones captured: pass only if no point is left."""
    check_count(arguments, 1)
    return choose_and_play(session, read_colour(arguments[0]), answers_passes=False)


def suggest_move(session: Session, arguments: list[str]) -> str:
    """Choose a move and return its name, without playing it."""
    check_count(arguments, 1)
    return name_vertex(session.player.choose(session.game, read_colour(arguments[0])), session.size)


def undo(session: Session, arguments: list[str]) -> str:
    """Take the last move back."""
    check_count(arguments, 0)
    try:
        session.game.undo()
    except IllegalMoveError as error:
        raise CommandError(f"cannot undo: {error}") from None
    return ""


def set_time(_: Session, arguments: list[str]) -> str:
    """Accept a clock; the player needs one computation a move, whatever the time."""
    check_count(arguments, 3)
    for argument in arguments:
        read_integer(argument)
    return ""


def set_time_of_kgs(_: Session, arguments: list[str]) -> str:
    """Accept a clock of KGS; see ``set_time``."""
    system = arguments[0].lower() if arguments else ""
    if system not in KGS_CLOCKS:
        raise CommandError(f"syntax error: a system of time is one of {', '.join(KGS_CLOCKS)}")
    check_count(arguments, 1 + KGS_CLOCKS[system])
    for argument in arguments[1:]:
        read_integer(argument)
    return ""


def accept_time_left(_: Session, arguments: list[str]) -> str:
    """Accept the time that is left; see ``set_time``."""
    check_count(arguments, 3)
    read_colour(arguments[0])
    for argument in arguments[1:]:
        read_integer(argument)
    return ""


def show_board(session: Session, arguments: list[str]) -> str:
    """Return the board as text."""
    check_count(arguments, 0)
    game, size = session.game, session.size
    signs = {EMPTY: ".", BLACK: "X", WHITE: "O"}
    header = "   " + " ".join(COLUMNS[:size])
    rows = [
        f"{size - row:2} " + " ".join(signs[colour] for colour in game.board.stones[row * size : (row + 1) * size])
        for row in range(size)
    ]
    last = f"; last move {name_vertex(game.moves[-1].point, size)}" if game.moves else ""
    to_move = COLOUR_NAMES[game.board.to_move]
    state = f"{to_move} to move; {count(len(game.moves), 'move')} played{last}; komi {game.komi:g}"
    return "\n".join(["", header, *rows, header, state, "X is Black, O is White"])


def score_game(session: Session, arguments: list[str]) -> str:
    """Return the area score; dead stones count as alive, because the player cannot tell them."""
    check_count(arguments, 0)
    if not session.game.has_ended:
        raise CommandError("cannot score: both players have to pass first, and dead stones count as alive")
    return format_score(area_score(session.game.board) - session.game.komi)


def list_stones(session: Session, arguments: list[str]) -> str:
    """Return the stones of a status; all are alive, because the player cannot tell dead ones."""
    check_count(arguments, 1)
    status = arguments[0].lower()
    if status not in ("alive", "dead", "seki"):
        raise CommandError("syntax error: a status is alive, dead or seki")
    board = session.game.board
    chains = {frozenset(board.chain(point)): point for point, colour in enumerate(board.stones) if colour != EMPTY}
    if status != "alive":
        return ""
    return "\n".join(" ".join(name_vertex(stone, session.size) for stone in sorted(chain)) for chain in chains)


COMMANDS: dict[str, Function] = {
    "boardsize": set_board_size,
    "clear_board": clear_board,
    "komi": set_komi,
    "play": play,
    "gogui-play_sequence": play_several,
    "genmove": generate_move,
    "kgs-genmove_cleanup": clean_up,
    "reg_genmove": suggest_move,
    "undo": undo,
    "time_settings": set_time,
    "kgs-time_settings": set_time_of_kgs,
    "time_left": accept_time_left,
    "showboard": show_board,
    "final_score": score_game,
    "final_status_list": list_stones,
}
