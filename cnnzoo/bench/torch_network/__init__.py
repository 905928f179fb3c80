"""A network of the zoo as a plain PyTorch module, to compare its speed with ours."""

import keras
from keras import layers
from torch import nn

from cnnzoo.bench.torch_network.graph import Graph, Value
from cnnzoo.bench.torch_network.translations import TRANSLATIONS
from cnnzoo.errors import UserError
from cnnzoo.keras_internals import layer_calls
from cnnzoo.models import without_auxiliary_heads


def translate(network: keras.Model) -> nn.Module:
    """Return a PyTorch module that computes the same as a functional model, with a copy of its weights.

    The module takes images (batch, channels, height, width) and returns the logits (batch, classes), without those of
    auxiliary heads. Its weights are in PyTorch's ``channels_last`` format; images in that format are the fastest.
    Like any new module it is in training mode.

    Args:
        network: From images (batch, height, width, channels) of one size to the logits.

    Raises:
        UserError: A layer has no translation.
    """
    network = without_auxiliary_heads(network)
    shapes = [tuple(images.shape[1:]) for images in getattr(network, "inputs", None) or ()]
    if len(shapes) != 1 or None in shapes[0]:
        raise UserError(f"{network.name} cannot be translated to PyTorch, because it takes no images of a fixed size.")
    graph = Graph(network.name)
    images = Value(graph.graph.placeholder("images"), shapes[0])
    (logits,) = _translate_calls(graph, network, [images])
    return graph.finish(logits)


def _translate_calls(graph: Graph, model: keras.Model, inputs: list[Value]) -> list[Value]:
    """Add all layers of a model to the graph, and return the model's outputs."""
    values = dict(zip(map(id, model.inputs), inputs, strict=True))
    done = set()
    for call in layer_calls(model):
        if call.is_input:
            continue
        layer, arguments = call.operation, [values[id(tensor)] for tensor in call.input_tensors]
        if id(layer) in done and layer.weights:
            raise graph.refuse(layer, "second use")
        done.add(id(layer))
        channels_first = getattr(layer, "data_format", "channels_last") != "channels_last"
        if channels_first and not isinstance(layer, layers.ZeroPadding2D):
            raise graph.refuse(layer, "data_format")
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            outputs = _translate_calls(graph, layer, arguments)
        elif type(layer) in TRANSLATIONS:
            outputs = [TRANSLATIONS[type(layer)](graph, layer, *arguments)]
        else:
            raise graph.refuse(layer)
        values.update(zip(map(id, call.output_tensors), outputs, strict=True))
    return [values[id(tensor)] for tensor in model.outputs]
