"""Matches between two engines: games with alternating colours from varied openings, scored by a referee."""

from cnnzoo.go.match.folder import MatchFolder, open_match
from cnnzoo.go.match.game import FAULTS, Label, PlayedGame, Titles
from cnnzoo.go.match.openings import count_distinct
from cnnzoo.go.match.settings import Settings
from cnnzoo.go.match.summary import Rate, Summary, summarize
from cnnzoo.go.match.tables import Table, play

__all__ = [
    "FAULTS",
    "Label",
    "MatchFolder",
    "PlayedGame",
    "Rate",
    "Settings",
    "Summary",
    "Table",
    "Titles",
    "count_distinct",
    "open_match",
    "play",
    "summarize",
]
