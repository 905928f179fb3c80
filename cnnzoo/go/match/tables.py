"""Tables at which the games of a match are played side by side, each with its own engines and referee."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from threading import Event, Thread

from cnnzoo.errors import UserError
from cnnzoo.go.board import BLACK, WHITE
from cnnzoo.go.engine_process import Ending, EngineError, EngineProcess
from cnnzoo.go.match.folder import MatchFolder
from cnnzoo.go.match.game import GameOverError, Label, Play, PlayedGame, Titles
from cnnzoo.go.match.referee import ask_for_score
from cnnzoo.go.match.settings import NO_REFEREE, Settings
from cnnzoo.go.scoring import area_score

# The engines that have Black and White in games with even and with odd numbers.
BLACK_AND_WHITE: tuple[tuple[Label, Label], ...] = (("B", "A"), ("A", "B"))

# Seconds between two looks at the tables of an interrupted match.
SECONDS_TO_NOTICE = 0.1


class Table:
    """Two engines and a referee, which the end of a ``with`` statement ends too.

    Attributes:
        settings: Of the match.
        engines: The engines A and B.
        referee: The engine that scores; None to count the area.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engines: dict[Label, EngineProcess] = {
            "A": EngineProcess(settings.engine_a),
            "B": EngineProcess(settings.engine_b),
        }
        self.referee = None if settings.referee == NO_REFEREE else EngineProcess(settings.referee)
        self._openings = settings.make_openings()
        self._stack = ExitStack()

    def __enter__(self) -> "Table":
        for engine in self._list_engines().values():
            self._stack.enter_context(engine)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def _list_engines(self) -> dict[str, EngineProcess]:
        players = {f"engine {label}": engine for label, engine in self.engines.items()}
        return players | ({"the referee": self.referee} if self.referee else {})

    def start(self) -> Titles:
        """Start the engines, and see whether they play on such a board; return their names.

        Raises:
            UserError: One of them does not.
        """
        for role, engine in self._list_engines().items():
            try:
                engine.start()
                engine.set_up(self.settings.size, self.settings.komi)
            except EngineError as error:
                raise UserError(f"The match cannot begin: {role} ({engine.command}) {error}.") from None
        referee = self.referee.title if self.referee else NO_REFEREE
        return Titles(self.engines["A"].title, self.engines["B"].title, referee)

    def play(self, number: int) -> PlayedGame:
        """Play a game of the match; A has Black in the games with odd numbers, and two games share an opening."""
        size, komi = self.settings.size, self.settings.komi
        black, white = BLACK_AND_WHITE[number % 2]
        opening = (number - 1) // 2
        play = Play({BLACK: self.engines[black], WHITE: self.engines[white]}, size, komi, self.settings.time)
        reason: Ending
        winner, score, note = None, None, ""
        try:
            reason = play.run(self._openings[opening], self.settings.most_moves)
            score = self._score(play)
            if score:
                winner = black if score > 0 else white
        except GameOverError as end:
            winner, reason, note = white if end.loser == BLACK else black, end.reason, end.note
        except EngineError as error:  # the referee's
            note = str(error)
        return PlayedGame(
            number=number,
            opening=opening + 1,
            black=black,
            winner=winner,
            reason=reason,
            score=score,
            note=note,
            moves=tuple(play.moves),
            asked={black: play.asked[BLACK], white: play.asked[WHITE]},
            seconds={black: play.seconds[BLACK], white: play.seconds[WHITE]},
        )

    def _score(self, play: Play) -> float:
        size, komi = self.settings.size, self.settings.komi
        return ask_for_score(self.referee, play.moves, size, komi) if self.referee else area_score(play.board) - komi

    def kill(self) -> None:
        """Kill the engines, so that a thread that waits for them ends."""
        for engine in self._list_engines().values():
            engine.kill()


def play(folder: MatchFolder, table: Table, jobs: int, on_game: Callable[[PlayedGame], None]) -> None:
    """Play the missing games of a match, and write each one into its directory.

    Args:
        folder: The directory of the match.
        table: A table of the match, in a ``with`` statement.
        jobs: Number of games at once; each needs two engines and a referee of its own.
        on_game: Called with each game after it was written.

    Raises:
        UserError: An engine cannot be started.
    """
    missing = folder.find_missing()
    with ExitStack() as stack:
        others = [stack.enter_context(Table(folder.settings)) for _ in range(min(jobs, len(missing)) - 1)]
        workers = _Workers([table, *others], missing)
        try:
            for game in workers.run():
                folder.add(game)
                on_game(game)
        except BaseException:
            workers.stop()
            raise


class _Workers:
    """Threads that play games, one at each table."""

    def __init__(self, tables: Sequence[Table], numbers: Sequence[int]) -> None:
        self.tables, self.numbers = tables, numbers
        self._waiting: SimpleQueue[int] = SimpleQueue()
        for number in numbers:
            self._waiting.put(number)
        self._results: SimpleQueue[PlayedGame | Exception] = SimpleQueue()
        self._is_stopped = Event()
        self._threads = [Thread(target=self._work, args=(table,)) for table in tables]

    def run(self) -> Iterator[PlayedGame]:
        """Yield the games as they finish."""
        for thread in self._threads:
            thread.start()
        for _ in self.numbers:
            result = self._results.get()
            if isinstance(result, Exception):
                raise result
            yield result
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Kill all engines, and wait for the threads."""
        self._is_stopped.set()
        for thread in self._threads:
            while thread.is_alive():
                for table in self.tables:  # again and again, because a game may just be starting an engine
                    table.kill()
                thread.join(SECONDS_TO_NOTICE)

    def _work(self, table: Table) -> None:
        try:
            table.start()
            while not self._is_stopped.is_set():
                self._results.put(table.play(self._waiting.get_nowait()))
        except Empty:
            pass
        except Exception as error:
            self._results.put(error)
