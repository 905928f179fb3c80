"""The uses of what Keras keeps private, each with a test of its own: a new Keras fails here and nowhere else."""

from collections.abc import Iterator
from typing import Any

from keras import InputSpec


def forget_compiled_step(model: Any) -> None:
    """Have ``fit`` compile the training step of a model anew."""
    model.train_function = None


def accept_any_size(model: Any) -> None:
    """Let a functional model take images of other heights and widths than those it was made with."""
    model.input_spec = [InputSpec(ndim=4, axes={-1: model.input_shape[-1]})]


def sync_variables(model: Any) -> None:
    """Write what a training computed within an epoch into the model's variables; JAX keeps it elsewhere meanwhile."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def input_layers(model: Any) -> dict[str, list[str]]:
    """Return for each layer of a functional model the names of the layers that its inputs come from."""
    return {layer["name"]: list(_sources(layer.get("inbound_nodes", []))) for layer in model.get_config()["layers"]}


def _sources(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and "keras_history" in node:
        yield node["keras_history"][0]
    elif isinstance(node, dict | list | tuple):
        for part in node.values() if isinstance(node, dict) else node:
            yield from _sources(part)


def variable_index(optimizer: Any, variable: Any) -> int:
    """Return the place of a variable among those that an optimizer was built with."""
    index: int = optimizer._get_variable_index(variable)
    return index


def set_adam_moments(optimizer: Any, momentums: list[Any], velocities: list[Any]) -> None:
    """Give an Adam that its own ``build`` did not build the moments that its ``update_step`` uses.

    Args:
        optimizer: Of ``keras.optimizers.Adam``.
        momentums: First moment of each variable.
        velocities: Second moment of each variable; None for one that Adam does not update.
    """
    optimizer._momentums, optimizer._velocities = momentums, velocities
