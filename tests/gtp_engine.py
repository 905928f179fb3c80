"""A small GTP engine for tests: plays at random, or does what its first argument says.

Run it as ``python gtp_engine.py BEHAVIOUR``; see ``BEHAVIOURS``.
"""

import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from cnnzoo.go.board import BLACK, PASS, WHITE, Board
from cnnzoo.go.vertices import name_vertex, read_vertex

BEHAVIOURS = {
    "random": "plays the same legal moves at random in each game",
    "script": "plays the moves that follow on the command line, then passes",
    "dies": "ends with exit code 3 when it is asked for its second move",
    "illegal": "plays on a point that is occupied",
    "nonsense": "plays on a point that no board has",
    "hangs": "gives no answer to its second genmove, and ignores a request to end",
    "garbage": "writes something else than an answer to genmove",
    "wrong-number": "answers with the number of another command",
    "no-number": "leaves out the numbers of commands",
    "carriage-returns": "ends lines as Windows does",
    "refuses": "answers genmove with an error",
    "resigns": "resigns at once",
    "small": "plays on no other board than 13x13",
    "talks": "writes more to standard error than a pipe holds",
    "child": "starts a process that sleeps, and answers with its number to name",
    "needs-number": "refuses commands without a number",
    "referee": "answers final_score with the next argument",
}


def command(*arguments):
    """Return the command line of this engine."""
    return shlex.join([sys.executable, __file__, *arguments])


def has_ended(number):
    """Return whether a process has ended; a process of nobody may take a moment to be removed."""
    for _ in range(50):
        try:
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(number, 0)
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


class Player:
    def __init__(self, behaviour, arguments):
        self.behaviour, self.arguments = behaviour, arguments
        self.clear(9)

    def clear(self, size):
        self.board, self.chance = Board(size), random.Random("moves")
        self.asked, self.script = 0, list(self.arguments)

    def answer(self, words):
        """Return the answer to a command."""
        match words:
            case ["name"]:
                return self.name()
            case ["version"]:
                return "1"
            case ["boardsize", size]:
                if self.behaviour == "small" and size != "13":
                    raise ValueError("unacceptable size")
                self.clear(int(size))
            case ["clear_board"]:
                self.clear(self.board.size)
            case ["play", colour, vertex]:
                self.board.to_move = BLACK if colour == "b" else WHITE
                self.board.play(read_vertex(vertex, self.board.size))
            case ["genmove", colour]:
                self.board.to_move = BLACK if colour == "b" else WHITE
                return self.choose_move()
            case ["final_score"]:
                return self.arguments[0]
            case ["komi", _] | ["quit"]:
                pass
            case _:
                raise ValueError("unknown command")
        return ""

    def name(self):
        if self.behaviour == "talks":
            sys.stderr.write("thinking\n" * 50_000)
        if self.behaviour == "child":
            return str(subprocess.Popen(["sleep", "60"]).pid)
        return f"toy {self.behaviour}"

    def choose_move(self):
        self.asked += 1
        size = self.board.size
        if self.behaviour == "illegal":
            return name_vertex(next(point for point, stone in enumerate(self.board.stones) if stone), size)
        if self.behaviour == "dies" and self.asked == 2:
            sys.stderr.write("a first line\nout of memory\n")
            sys.exit(3)
        if self.behaviour == "hangs" and self.asked == 2:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
        if self.behaviour in {"nonsense", "resigns"}:
            return "Z99" if self.behaviour == "nonsense" else "resign"
        if self.behaviour == "refuses":
            raise ValueError("no mood")
        if self.behaviour == "script":
            move = read_vertex(self.script.pop(0), size) if self.script else PASS
        else:
            legal = [point for point in range(size * size) if self.board.is_legal(point)]
            move = self.chance.choice(
                [point for point in legal if not self.board.is_eye(point, self.board.to_move)] or [PASS]
            )
        self.board.play(move)
        return name_vertex(move, size)


def main():
    behaviour, *arguments = sys.argv[1:]
    player = Player(behaviour, arguments)
    for line in sys.stdin:
        number, *words = line.split()
        if not number.isdigit():
            number, words = "", line.split()
        try:
            sign, text = "=", player.answer(words)
        except ValueError as error:
            sign, text = "?", str(error)
        if behaviour == "needs-number" and not number:
            sign, text = "?", "no number"
        if behaviour == "garbage" and words[0] == "genmove":
            sign, text = "Thinking", "...\nhard"
        number = {"wrong-number": "77", "no-number": ""}.get(behaviour, number)
        end = "\r\n" if behaviour == "carriage-returns" else "\n"
        sys.stdout.write(f"{sign}{number} {text}{end}{end}")
        sys.stdout.flush()
        if words == ["quit"]:
            break


if __name__ == "__main__":
    main()
