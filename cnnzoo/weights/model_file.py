"""Imported networks as model files that take a photograph's pixels."""

from collections.abc import Sequence
from pathlib import Path

from cnnzoo import files
from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.config import PreprocessingSection
from cnnzoo.data.preprocessing import with_preprocessing
from cnnzoo.errors import UserError
from cnnzoo.weights.class_names import imagenet_class_names
from cnnzoo.weights.importer import Imported


def save_model(
    imported: Imported,
    output: Path,
    *,
    class_names: Sequence[str] | None = None,
) -> Metadata:
    """Write an imported network with what prepares its images, and with the names of its classes.

    Args:
        imported: From ``import_weights``.
        output: The new model file, .keras: from RGB pixels (batch, height, width, 3), 0 to 255, to logits.
        class_names: What the logits stand for. Left out, ImageNet's names for 1000 logits, else numbers.

    Returns:
        The file's metadata.

    Raises:
        UserError: There are more or fewer names than classes.
    """
    network, counterpart, source = imported.network, imported.counterpart, imported.source
    num_classes = network.get_layer("logits").units
    if class_names is None:
        class_names = imagenet_class_names() if num_classes == 1000 else [str(label) for label in range(num_classes)]
    if len(class_names) != num_classes:
        raise UserError(f"{len(class_names)} names of classes were given, and {source} tells {num_classes} apart.")
    images = imported.preprocessing
    section = PreprocessingSection(mean=list(images.mean), deviation=list(images.deviation))
    input_shape: tuple[int, int, int] = network.input_shape[1:]
    model = with_preprocessing(network, section, input_shape)
    described = Metadata(
        title=f"{counterpart.full_title} from {source.name}",
        network=counterpart.network,
        input_shape=input_shape,
        class_names=tuple(class_names),
        shorter_side=images.shorter_side,
        source=source.name,
        sha256=imported.sha256,
    )
    with files.whole(output) as temporary:
        model.save(temporary)
        metadata.write(temporary, described)
    return described
