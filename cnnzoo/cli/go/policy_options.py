"""What the commands of Go share that open a policy network."""

import click

symmetries_option = click.option(
    "--symmetries",
    type=click.Choice([1, 8]),
    default=1,
    show_default=True,
    help="8 averages over the turned and mirrored forms of a position, in eight times the time.",
)
unfinished_option = click.option("--unfinished", is_flag=True, help="Use what an unfinished run has reached.")
