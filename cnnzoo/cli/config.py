"""``cnnzoo config``: show, check or describe configs."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cnnzoo import config as configs
from cnnzoo import data
from cnnzoo.cli.options import settings_option
from cnnzoo.cli.output import json_option, print_json
from cnnzoo.errors import UserError

UNDECODED = "note: no image was decoded; train and eval find those that cannot be read"


@click.group("config")
def command() -> None:
    """Show, check or describe configs."""


@command.command("show")
@click.argument("name", metavar="FILE")
@settings_option
@json_option
def show(name: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Print a config with every default filled in."""
    loaded = configs.load(name, settings)
    if as_json:
        print_json(loaded.model_dump(mode="json"))
    else:
        click.echo(loaded.to_yaml(), nl=False)


@command.command("validate")
@click.argument("names", metavar="FILE...", nargs=-1, required=True)
@settings_option
@json_option
def validate(names: tuple[str, ...], settings: tuple[str, ...], as_json: bool) -> None:
    """Check configs without training.

    It checks keys, values, and that the network takes the data's images. Images of a folder and games are counted.
    Files of published data sets are not looked for; `cnnzoo data list` shows where they are. All FILEs are checked;
    the exit code is 2 if one is wrong.
    """
    valid: dict[str, str] = {}
    summaries: dict[str, Any] = {}
    errors: list[str] = []
    for name in names:
        try:
            path, summary = _check(name, settings)
        except UserError as error:
            errors.append(str(error))
            continue
        valid[name] = str(path)
        if summary:
            summaries[name] = summary
        if not as_json:
            click.echo(f"{path}: valid")
            for line in summary.lines() if summary else []:
                click.echo(f"  {line}")
            if isinstance(summary, data.FolderSummary):
                click.echo(f"  {UNDECODED}")
    if errors:
        raise UserError("\n".join(dict.fromkeys(errors)))
    if as_json:
        print_json({"valid": valid, "data": {name: asdict(summary) for name, summary in summaries.items()}})


def _check(name: str, settings: tuple[str, ...]) -> tuple[Path, data.Summary | None]:
    """Check a config; return its file, and the summary of its folder of images.

    Raises:
        UserError: The config is missing or wrong.
    """
    path = configs.find(name)
    config = configs.load(path, settings)
    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.training import checks  # loads Keras
    from cnnzoo.training.images import check_batch_size

    checks.check_config(config)
    summary = data.summarize(data.resolve_folder(config).data)
    if summary:
        check_batch_size(config, summary.training_count)
    return path, summary


@command.command("schema")
@click.option("--json", is_flag=True, expose_value=False, help="Accepted; the schema is JSON anyway.")
def schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    print_json(configs.schema())
