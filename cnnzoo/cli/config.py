"""``cnnzoo config``."""

from dataclasses import asdict

import click

from cnnzoo import config as configs
from cnnzoo import data
from cnnzoo.cli.options import settings_option
from cnnzoo.cli.output import json_option, print_json


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
    """Check configs without training: keys, values, and that the network takes the data's images."""
    loaded = {name: (path := configs.find(name), configs.load(path, settings)) for name in names}
    from cnnzoo import runtime  # decides the backend before Keras is imported

    runtime.prepare()
    from cnnzoo.training import checks  # loads Keras
    from cnnzoo.training.images import check_batch_size

    for _, config in loaded.values():
        checks.check_config(config)
    summaries = {name: data.summarize(data.resolve_folder(config).data) for name, (_, config) in loaded.items()}
    for name, summary in summaries.items():
        if summary:
            check_batch_size(loaded[name][1], summary.images["train"])
    valid = {name: str(path) for name, (path, _) in loaded.items()}
    if as_json:
        folders = {name: asdict(summary) for name, summary in summaries.items() if summary}
        print_json({"valid": valid, "data": folders})
        return
    for name, file in valid.items():
        click.echo(f"{file}: valid")
        summary = summaries[name]
        if summary:
            for line in [*summary.lines(), "note: no image was decoded; train and eval find those that cannot be read"]:
                click.echo(f"  {line}")


@command.command("schema")
@click.option("--json", is_flag=True, expose_value=False, help="Changes nothing: the schema is JSON.")
def schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    print_json(configs.schema())
