"""Groups of commands whose modules are imported when a command runs."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from cnnzoo.errors import did_you_mean


class LazyGroup(click.Group):
    """A group that lists its commands without importing their modules.

    Args:
        summaries: A line about each command, in the order of a first session.
        package: The package of the commands' modules, which are named after them, and hold ``command``.
        modules: Module of a command that is named otherwise.
        settings: Of ``click.Group``.
    """

    def __init__(
        self, *, summaries: Mapping[str, str], package: str, modules: Mapping[str, str], **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.summaries, self.package, self.modules = summaries, package, modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """Return the commands in the order in which a new user needs them."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of one command."""
        if cmd_name not in self.summaries:
            return None
        module = import_module(f"{self.package}.{self.modules.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands from the summaries."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for an unknown one."""
        if args and args[0] not in self.summaries and not args[0].startswith("-"):
            ctx.fail(f"No such command '{args[0]}'.{did_you_mean(args[0], self.summaries)}")
        return super().resolve_command(ctx, args)
