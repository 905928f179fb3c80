"""The undocumented parts of Keras that the package relies on: one function for each, with a test of its own.

If a new release of Keras breaks something, look here first.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import keras

Class = TypeVar("Class", bound=type)

# Our versions of Keras's classes by name, for ``keras.saving.load_model``, which would load Keras's own.
CUSTOM_OBJECTS: dict[str, type] = {}


def saved_as_keras(module: str) -> Callable[[Class], Class]:
    """Save a subclass under the name of Keras's own class, so that files load without this package.

    Args:
        module: Where Keras has its class of the same name: ``"keras.layers"`` or ``"keras.initializers"``.
    """

    def decorate(cls: Class) -> Class:
        cls.__module__ = module  # Keras saves this with the class's name
        CUSTOM_OBJECTS[cls.__name__] = cls
        return cls

    return decorate


def build_without_weights(build: Callable[[], keras.Model]) -> keras.Model:
    """Return a model whose weights have shapes but no values, which costs no memory.

    Args:
        build: Builds the model.
    """

    def stateless() -> keras.Model:
        with keras.StatelessScope(initialize_variables=False):
            return build()

    # Keras keeps a list of variables without values per thread and fills them in later; the list ends with the thread.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(stateless).result()


def layer_calls(model: keras.Model) -> list[Any]:
    """Return all calls of a model's layers, also the later ones of a shared layer, from the images to the outputs.

    Each call has ``operation``, ``input_tensors``, ``output_tensors`` and ``is_input``.
    """
    by_depth = keras.Function(model.inputs, model.outputs)._nodes_by_depth
    return [call for depth in sorted(by_depth, reverse=True) for call in by_depth[depth]]


def forget_compiled_step(model: Any) -> None:
    """Make ``fit`` compile the training step of a model again."""
    model.train_function = None


def accept_any_size(model: Any) -> None:
    """Let a functional model take images of any height and width."""
    model.input_spec = [keras.InputSpec(ndim=4, axes={-1: model.input_shape[-1]})]


def sync_variables(model: Any) -> None:
    """Write the current values into a model's variables within an epoch, while JAX keeps them elsewhere."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def is_seed_state(variable: Any) -> bool:
    """Return whether a variable is the state of a seed generator, such as a dropout layer has."""
    return bool(variable.name == "seed_generator_state")


def input_layers(model: Any) -> dict[str, list[str]]:
    """Return the names of the layers that the inputs of each layer of a functional model come from, by layer name."""
    return {layer["name"]: list(_sources(layer.get("inbound_nodes", []))) for layer in model.get_config()["layers"]}


def _sources(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and "keras_history" in node:
        yield node["keras_history"][0]
    elif isinstance(node, dict | list | tuple):
        for part in node.values() if isinstance(node, dict) else node:
            yield from _sources(part)


def variable_index(optimizer: Any, variable: Any) -> int:
    """Return the index of a variable among those that an optimizer was built with."""
    index: int = optimizer._get_variable_index(variable)
    return index


def set_adam_moments(optimizer: Any, momentums: list[Any], velocities: list[Any]) -> None:
    """Set the moments that the ``update_step`` of an Adam uses, if its own ``build`` was not called.

    Args:
        optimizer: A ``keras.optimizers.Adam``.
        momentums: First moment of each variable.
        velocities: Second moment of each variable; None for one that Adam does not update.
    """
    optimizer._momentums, optimizer._velocities = momentums, velocities
