"""The engine: a session and the commands that it understands."""

from cnnzoo.go.gtp import analysis, playing, setup
from cnnzoo.go.gtp.session import Analysis, CommandError, Function, Session, check_count
from cnnzoo.go.player import Player

PROTOCOL_VERSION = "2"
# Lizzie reads the first word of the version and warns unless it is Leela Zero's 0.15 or later; a version without a
# second number stops it.
ANALYSIS_VERSION = "0.17"


class Engine:
    """Answers the commands of the Go Text Protocol.

    Args:
        player: Chooses the moves.
        size: Points a side of the only board that the player's policy can play on.
        name: The program and the model, the answer to ``name``.
        version: The program and its version, for the answer to ``version``.

    Attributes:
        has_quit: Whether ``quit`` has been received.
    """

    def __init__(self, player: Player, size: int, name: str, version: str) -> None:
        self._session = Session(player, size)
        self._answers = {
            "protocol_version": PROTOCOL_VERSION,
            "name": name,
            "version": f"{ANALYSIS_VERSION} (of Leela Zero, whose form the analysis has; {version})",
            "quit": "",
        }
        self._commands: dict[str, Function] = {**playing.COMMANDS, **setup.COMMANDS, **analysis.COMMANDS}
        names = sorted([*self._answers, "known_command", "list_commands", *self._commands])
        self._answers["list_commands"] = "\n".join(names)
        self._names = frozenset(names)
        self.has_quit = False

    def execute(self, name: str, arguments: list[str]) -> str | Analysis:
        """Carry a command out and return its answer.

        Raises:
            CommandError: There is no such command, its arguments are wrong, or it is impossible now.
            UserError: The model is damaged, or a file cannot be read.
        """
        if name == "known_command":
            check_count(arguments, 1)
            return "true" if arguments[0] in self._names else "false"
        if name in self._answers:
            check_count(arguments, 0)
            self.has_quit = name == "quit"
            return self._answers[name]
        if name not in self._commands:
            raise CommandError("unknown command")
        return self._commands[name](self._session, arguments)
