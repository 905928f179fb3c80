"""The planes of positions, worked out by hand."""

import pytest
from boards import EMPTY_CORNERS, EYES, KO, LADDER, LADDER_BROKEN, SUICIDE, VECTORS, place, planes_at, read_board

from cnnzoo.go.board import BLACK, PASS, Board
from cnnzoo.go.planes import FEATURES, PLANES, encode


def points_of(planes, plane):
    return {(int(row), int(column)) for row, column in zip(*planes[..., plane].nonzero(), strict=True)}


@pytest.mark.parametrize(("text", "to_move", "expected"), VECTORS)
def test_the_planes_of_a_move(text, to_move, expected):
    board, names = read_board(text, to_move)
    planes = encode(board)
    assert planes.shape == (board.size, board.size, PLANES)
    assert {name: planes_at(planes, names[name]) for name in expected} == expected


def test_turns_count_passes_and_the_newest_stone_is_one_turn_old():
    board = Board(9)
    for move in (2 * 9 + 2, 6 * 9 + 6, 2 * 9 + 6, PASS, 6 * 9 + 2):
        board.play(move)
    planes = encode(board, player_colour=True)
    expected = {(6, 2): [1, 3, 4, 15], (2, 6): [1, 3, 6, 15], (6, 6): [0, 3, 7, 15], (2, 2): [1, 3, 8, 15]}
    assert {place: planes_at(planes, place[0] * 9 + place[1]) for place in expected} == expected
    assert not planes[..., 48].any()


def test_liberties_count_each_point_once():
    board, _ = read_board(
        """
        X . . . X X X
        . . . . . . .
        . . X X . . .
        . . . X . . .
        . . . . . . .
        . . . . . . .
        O O . . . . .
        """
    )
    planes = encode(board)
    expected = {(0, 0): 2, (0, 4): 4, (0, 5): 4, (0, 6): 4, (2, 2): 7, (2, 3): 7, (3, 3): 7, (6, 0): 3, (6, 1): 3}
    for (row, column), liberties in expected.items():
        assert planes[row, column, 12:20].nonzero()[0].tolist() == [liberties - 1]
    for stones in (3, 4):  # eight liberties, and ten
        row = place(9, black=[(4, 2 + column) for column in range(stones)])
        assert planes_at(encode(row), 4 * 9 + 2) == [0, 3, 11, 19]


def test_a_ko_is_taken_back_only_without_a_ban():
    before, _ = read_board(KO.replace("k X", "O k"), BLACK)
    before.play(2 * 7 + 3)
    assert before.ko == 2 * 7 + 2
    assert planes_at(encode(before), 2 * 7 + 2) == [2, 3]


def test_own_eyes_are_not_sensible_and_false_ones_are():
    board, names = read_board(EYES)
    planes = encode(board)
    for name in "egh":
        assert 46 not in planes_at(planes, names[name])
    assert planes_at(planes, names["f"]) == [2, 3, 20, 39, 45, 46]
    assert points_of(planes, 44) == {(5, 0), (6, 1)}
    assert points_of(planes, 45) == {(0, 5), (2, 6)}
    board, names = read_board(EMPTY_CORNERS)
    assert 46 not in planes_at(encode(board), names["e"])


def test_a_stone_on_the_diagonal_breaks_a_ladder():
    planes = encode(read_board(LADDER)[0])
    assert points_of(planes, 44) == {(2, 3)}
    assert not encode(read_board(LADDER_BROKEN)[0])[..., 44].any()
    suicide, _ = read_board(SUICIDE)
    assert encode(suicide)[6, 3, 45] == 1


@pytest.mark.parametrize("breaker", [(16, 16), (15, 16), (16, 15), (17, 15), (10, 10), (10, 12), (10, 13), None])
def test_a_ladder_over_the_whole_board_is_read(breaker):
    ladder = place(19, black=[(1, 2), (2, 1), (3, 1)], white=[(2, 2), *([breaker] if breaker else [])])
    works = breaker in (None, (10, 13))
    assert points_of(encode(ladder), 44) == ({(2, 3)} if works else set())


def test_the_features_fill_the_planes_in_the_papers_order():
    assert [feature.first for feature in FEATURES[1:]] == [feature.first + feature.planes for feature in FEATURES[:-1]]
    assert FEATURES[-1].first == PLANES
