"""Games played at random, as records and as files of games."""

import random

from cnnzoo.go.board import BLACK, PASS, Board
from cnnzoo.go.games import Games
from cnnzoo.go.records import DETAILS, Record

LETTERS = "abcdefghijklmnopqrs"


def play_random_game(size, moves, seed):
    """Return the moves of a game in which nobody fills an own eye; players pass when they have no other move."""
    choose, board, played = random.Random(seed), Board(size), []
    for _ in range(moves):
        points = [point for point, colour in enumerate(board.stones) if colour == 0]
        choose.shuffle(points)
        sensible = (point for point in points if board.is_legal(point) and not board.is_eye(point, board.to_move))
        played.append(next(sensible, PASS))
        board.play(played[-1])
    return tuple(played)


def make_record(moves, size=9, file="game.sgf", setup=(), first=BLACK, **details):
    return Record(file, size, tuple(setup), first, tuple(moves), dict.fromkeys(DETAILS, "") | details)


def make_games(count=20, size=9, moves=30, dates=(), collections=("one",)):
    """Return random games; the collections take turns, and the dates too."""
    records = [
        make_record(
            play_random_game(size, moves, seed), size, f"{seed}.sgf", date=dates[seed % len(dates)] if dates else ""
        )
        for seed in range(count)
    ]
    return Games.from_records(
        size, collections, [(seed % len(collections), record) for seed, record in enumerate(records)]
    )


def to_sgf(moves, size=9, properties="", colours="BW"):
    """Return moves as SGF; the colours take turns."""
    names = ["" if move == PASS else LETTERS[move % size] + LETTERS[move // size] for move in moves]
    nodes = "".join(f";{colours[number % len(colours)]}[{name}]" for number, name in enumerate(names))
    return f"(;GM[1]SZ[{size}]{properties}{nodes})"
