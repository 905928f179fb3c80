"""The command line: parse, one library call, print.

A command's module is imported when the command runs, so that ``cnnzoo --help`` loads neither Keras
nor anything else that takes long.
"""

import sys
from importlib import import_module

import click

import cnnzoo
from cnnzoo.cli.process import OUTPUT, check_matplotlibrc, prepare_process
from cnnzoo.errors import UserError, did_you_mean

COMMANDS = {
    "train": "Train one network from a config.",
    "sweep": "Train a config with other values of some keys.",
    "eval": "Measure finished runs on the test images.",
    "ensemble": "Combine runs, training the missing members.",
    "predict": "Classify images with a finished run.",
    "runs": "List, compare and clean up runs.",
    "models": "List the networks of the zoo.",
    "show": "Show a network layer by layer.",
    "draw": "Draw a network for a slide.",
    "weights": "Import and export trained weights.",
    "config": "Show, check or describe configs.",
    "data": "List, fetch, verify and preview data sets.",
}

_MODULES = {"eval": "evaluate"}


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """Return the commands in the order of a first session."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"cnnzoo.cli.{_MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for an unknown one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command '{args[0]}'.{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cnnzoo.__version__)
def cli() -> None:
    """The classic convolutional networks: train, evaluate and ensemble them.

    Start with:  cnnzoo train --config digits.yaml
    """


def main() -> None:
    """Run the command line; a mistake of the user's ends with one sentence and exit code 2."""
    prepare_process()
    try:
        check_matplotlibrc()
        code = cli(standalone_mode=False, prog_name="cnnzoo")
        sys.stdout.flush()
    except UserError as error:
        _end(f"Error: {error}", 2)
    except OSError as error:
        if error.strerror is None:
            raise
        if error.filename == OUTPUT:
            if isinstance(error, BrokenPipeError):  # as of `| head`, which has read enough
                sys.exit(1)
            _end(f"Error: {OUTPUT}: {error.strerror}; the result could not be printed.", 2)
        where = error.filename or "a file"
        _end(f"Error: {where}: {error.strerror}; check the path, its permissions and the room left.", 2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _end("Interrupted.", 130)
    if code:
        sys.exit(code)


def _end(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)
