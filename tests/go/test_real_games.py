"""Real game records: what is taken of them is legal, and fast and slow planes agree on their positions."""

import numpy as np
import pytest
from sgfmill.boards import Board as OtherBoard

from cnnzoo.go import planes, records
from cnnzoo.go.board import BLACK, PASS
from cnnzoo.go.compiled import replay
from cnnzoo.go.importing import import_games
from cnnzoo.go.records import Reason

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


@pytest.fixture(scope="module")
def imported(real_go_dir):
    # Professional games of one tournament, games with handicap, and games of machines.
    names = ("professional/Agon", "kgs/kgs-19-2017-01-new", "alphago")
    return import_games([real_go_dir / name for name in names])


def test_nearly_all_records_are_taken_and_the_others_have_a_reason(imported):
    games, summary = imported
    assert len(games) > 0.95 * summary.files
    assert len(games) + len(summary.refused) == summary.files
    assert {refusal.reason for refusal in summary.refused} <= {Reason.SHORT, Reason.OTHER_SIZE, Reason.DUPLICATE}


def test_the_games_that_are_taken_are_legal_and_capture_what_another_program_captures(imported):
    games, _ = imported
    for number in range(0, len(games), 12):
        record = games.record(number)
        assert records.count_legal(record) == len(record.moves)
        other = OtherBoard(19)
        black = [point for point, colour in record.setup if colour == BLACK]
        assert other.apply_setup([divmod(point, 19) for point in black], [], [])
        colour = record.first
        for board, move in record.boards():
            ours = {divmod(point, 19): stone for point, stone in enumerate(board.stones) if stone}
            theirs = {place: 1 if stone == "b" else -1 for stone, place in other.list_occupied_points()}
            assert ours == theirs
            if move != PASS:
                other.play(*divmod(move, 19), "b" if colour == BLACK else "w")
            colour = -colour


def test_fast_and_slow_planes_agree_on_500_positions(imported):
    games, _ = imported
    indices = np.sort(np.random.default_rng(0).choice(len(games.arrays.moves), 500, replace=False))
    fast = np.unpackbits(replay.encode_moves(games, indices), axis=-1)
    ladders = 0
    owners = np.searchsorted(games.arrays.starts, indices, side="right") - 1
    for index, game, encoded in zip(indices, owners, fast, strict=True):
        boards = games.record(int(game)).boards()
        for _ in range(index - games.arrays.starts[game] + 1):
            board, _ = next(boards)
        assert np.array_equal(encoded, planes.encode(board))
        ladders += int(encoded[..., 44:46].sum())
    assert ladders > 500
