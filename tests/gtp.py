"""Policies without a network, and sessions of the Go Text Protocol in this process."""

import hashlib

import numpy as np

from cnnzoo.go.gtp import Engine, serve
from cnnzoo.go.player import Player


def uniform(board):
    """Give every point the same probability, so that a player takes the first possible one."""
    points = board.size * board.size
    return np.full(points, 1 / points)


def by_hash(board):
    """Give points probabilities that look random and depend on the position alone."""
    digest = hashlib.sha256(bytes(str((board.stones, board.to_move)), "ascii")).digest()
    weights = np.random.default_rng(int.from_bytes(digest[:8], "big")).random(board.size * board.size) ** 4
    return weights / weights.sum()


def engine(size=9, policy=uniform, **settings):
    return Engine(Player(policy, **settings), size, "cnnzoo", "cnnzoo test")


def converse(served, *lines):
    """Return what an engine writes in answer to lines, and to the end of the input."""
    written = []
    serve(served, [line if isinstance(line, bytes) else f"{line}\n".encode() for line in lines], written.append)
    return "".join(written)


def ask(served, *lines):
    """Return the answers to lines, one each, without the two line feeds at their ends."""
    return converse(served, *lines).removesuffix("\n\n").split("\n\n")
