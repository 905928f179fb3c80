"""Imported networks as model files that take a photograph's pixels."""

from collections.abc import Sequence
from hashlib import file_digest
from importlib.resources import files as package_files
from pathlib import Path

from cnnzoo import files, metadata
from cnnzoo.config import PreprocessingSection
from cnnzoo.data.preprocessing import with_preprocessing
from cnnzoo.errors import UserError
from cnnzoo.metadata import Metadata
from cnnzoo.porting.importing import Imported

# torchvision's and Caffe's protocol for ImageNet: the shorter side to 256 pixels, then the centre of 224.
MARGIN = 256 / 224


def imagenet_class_names() -> tuple[str, ...]:
    """Return the names of the 1000 classes of ILSVRC 2012, in the order of the labels."""
    return _names((package_files("cnnzoo") / "imagenet_classes.txt").read_text(encoding="utf-8"))


def read_class_names(path: Path) -> tuple[str, ...]:
    """Return the names of classes from a text file: one a line, in the order of the labels, lines with # left out.

    Raises:
        UserError: The file is missing or holds no text.
    """
    try:
        return _names(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{path} cannot be read as text.") from None


def _names(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def save_model(
    imported: Imported,
    output: Path,
    *,
    class_names: Sequence[str] | None = None,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
) -> Metadata:
    """Write an imported network with what prepares its images, and with the names of its classes.

    Args:
        imported: From ``import_weights``.
        output: The new model file, .keras: from RGB pixels (batch, height, width, 3), 0 to 255, to logits.
        class_names: What the logits stand for. Left out, ImageNet's names for 1000 logits, else numbers.
        mean: Of the pixels scaled to 0..1, red, green, blue; the library's own when left out.
        deviation: Likewise.

    Returns:
        What the file says of itself.

    Raises:
        UserError: There are more or fewer names than classes.
    """
    network, form, source = imported.network, imported.form, imported.source
    num_classes = network.get_layer("logits").units
    if class_names is None:
        class_names = imagenet_class_names() if num_classes == 1000 else [str(label) for label in range(num_classes)]
    if len(class_names) != num_classes:
        raise UserError(f"{len(class_names)} names of classes were given, and {source} tells {num_classes} apart.")
    section = PreprocessingSection(mean=list(mean or form.mean), deviation=list(deviation or form.deviation))
    input_shape: tuple[int, int, int] = network.input_shape[1:]
    model = with_preprocessing(network, section, input_shape)
    with source.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    described = Metadata(
        title=f"{form.whole_title} from {source.name}",
        network=form.network,
        input_shape=input_shape,
        class_names=tuple(class_names),
        shorter_side=round(MARGIN * min(input_shape[:2])),
        source=source.name,
        sha256=digest,
    )
    with files.whole(output) as temporary:
        model.save(temporary)
        metadata.write(temporary, described)
    return described
