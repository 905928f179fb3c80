"""The command line: each command parses its arguments, makes one library call and prints the result.

A command's module is imported when the command runs, so that ``cnnzoo --help`` loads neither Keras
nor anything else that takes long.
"""

import sys
from typing import NoReturn

import click

import cnnzoo
from cnnzoo.cli.lazy import LazyGroup
from cnnzoo.cli.process import OUTPUT, check_matplotlibrc, prepare_process
from cnnzoo.errors import UserError

COMMANDS = {
    "train": "Train one network from a config.",
    "sweep": "Train a config with several values of some keys.",
    "eval": "Measure finished runs on the test images.",
    "ensemble": "Let several runs vote, training the missing ones.",
    "predict": "Classify images with a finished run.",
    "runs": "List, compare and clean up runs.",
    "bench": "Measure the speed of networks.",
    "models": "List the networks of the zoo.",
    "show": "Show a network layer by layer.",
    "draw": "Draw a network for a slide.",
    "lab": "Show what a lecture on convolutional networks shows.",
    "go": "Import Go records, play, and hold matches.",
    "weights": "Import and export trained weights.",
    "config": "Show, check or describe configs.",
    "data": "List, fetch, verify and preview data sets.",
}


def _print_version(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    """Print the version, or with --json also the packages, the machine and the device, and exit."""
    if not is_asked:
        return
    if context.params["as_json"]:
        from cnnzoo.cli.output import print_json  # loads rich
        from cnnzoo.runtime import describe_installation

        print_json(describe_installation())
    else:
        click.echo(f"cnnzoo, version {cnnzoo.__version__}")
    context.exit()


@click.group(
    cls=LazyGroup,
    summaries=COMMANDS,
    package="cnnzoo.cli",
    modules={"eval": "evaluate"},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit; with --json also those of Keras and its backends, the machine and the device.",
)
@click.option("--json", "as_json", is_flag=True, is_eager=True, help="With --version: print one JSON object.")
def cli(as_json: bool) -> None:
    """The classic convolutional networks: train, evaluate and ensemble them.

    Start with:  cnnzoo train --config digits.yaml
    """
    if as_json:
        raise UserError("Use --json with --version, or after a command, such as: cnnzoo models --json")


def main() -> None:
    """Run the command line; a mistake of the user ends it with one sentence and exit code 2."""
    prepare_process()
    try:
        check_matplotlibrc()
        code = cli(standalone_mode=False, prog_name="cnnzoo")
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        _exit(error.format_message(), error.exit_code)
    except click.ClickException as error:
        _fail(_format_error(error))
    except UserError as error:
        _fail(str(error))
    except OSError as error:
        if error.strerror is None:
            raise
        if error.filename == OUTPUT:
            if isinstance(error, BrokenPipeError):  # for example `| head` has read enough
                sys.exit(1)
            _fail(f"{OUTPUT}: {error.strerror}; the result could not be printed.")
        where = error.filename or "a file"
        _fail(f"{where}: {error.strerror}; check the path, its permissions and the free space.")
    except (click.Abort, KeyboardInterrupt):
        _exit("Interrupted.", 130)
    if code:
        sys.exit(code)


def _format_error(error: click.ClickException) -> str:
    """Return an error of Click as a sentence, followed by the command that prints the help."""
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return (
        f"{message}{'' if message.endswith('?') else '.'} Help: {context.command_path if context else 'cnnzoo'} --help"
    )


def _fail(message: str) -> NoReturn:
    """Exit with an error, and report it to the parent process if that runs several trainings."""
    from cnnzoo.jobs.local import report_error  # only needed for an error

    report_error(message)
    _exit(f"Error: {message}", 2)


def _exit(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)
