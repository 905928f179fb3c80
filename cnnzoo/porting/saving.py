"""Imported networks as model files that take a photograph's pixels."""

from collections.abc import Sequence
from pathlib import Path

from cnnzoo import files, metadata
from cnnzoo.config import PreprocessingSection
from cnnzoo.data.preprocessing import with_preprocessing
from cnnzoo.errors import UserError
from cnnzoo.metadata import Metadata
from cnnzoo.porting.class_names import imagenet_class_names
from cnnzoo.porting.importing import Imported
from cnnzoo.porting.preparation import Preparation, channels_of, prepare


def prepared(
    imported: Imported,
    preprocessing: str | None = None,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    resize: int | None = None,
) -> Preparation:
    """Settle how an imported network's images are prepared; see ``preparation.prepare``.

    Raises:
        UserError: The network was imported with its channels in another order, the size does not fit, or the file
            holds a network inside another and the preprocessing is not stated.
    """
    if imported.nested and not preprocessing:
        raise UserError(
            f"{imported.source} holds a network inside another, but not how that one prepares its images; state it "
            "with --preprocessing: unit after Rescaling(1/255), caffe after preprocess_input of VGG and ResNet, "
            "transform_input after Rescaling(1/127.5, -1)."
        )
    channels = channels_of(imported.form, preprocessing)
    if preprocessing and channels != imported.channels:
        raise UserError(
            f"preprocessing '{preprocessing}' gives the channels as {channels}, and the network was imported for "
            f"{imported.channels}; name the preprocessing when importing, too."
        )
    height, width, _ = imported.network.input_shape[1:]
    return prepare(
        imported.form,
        imported.sha256,
        (height, width),
        preprocessing=preprocessing,
        mean=mean,
        deviation=deviation,
        resize=resize,
    )


def save_model(
    imported: Imported,
    output: Path,
    *,
    class_names: Sequence[str] | None = None,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    preprocessing: str | None = None,
    resize: int | None = None,
) -> Metadata:
    """Write an imported network with what prepares its images, and with the names of its classes.

    Args:
        imported: From ``import_weights``.
        output: The new model file, .keras: from RGB pixels (batch, height, width, 3), 0 to 255, to logits.
        class_names: What the logits stand for. Left out, ImageNet's names for 1000 logits, else numbers.
        mean: Of the pixels scaled to 0..1, red, green, blue; the library's own when left out.
        deviation: Likewise.
        preprocessing: A usual mean and deviation by name, a key of ``preparation.PREPROCESSINGS``. GoogLeNet's
            default is "transform_input", which is right for torchvision's own weights; a network that was built
            without them takes "imagenet".
        resize: Pixels that the shorter side of a photograph is brought to before its centre is cut out; 256 when left
            out (232 for torchvision's IMAGENET1K_V2), or as much in proportion for other sizes.

    Returns:
        What the file says of itself.

    Raises:
        UserError: There are more or fewer names than classes, or the preparation does not fit the network.
    """
    network, form, source = imported.network, imported.form, imported.source
    num_classes = network.get_layer("logits").units
    if class_names is None:
        class_names = imagenet_class_names() if num_classes == 1000 else [str(label) for label in range(num_classes)]
    if len(class_names) != num_classes:
        raise UserError(f"{len(class_names)} names of classes were given, and {source} tells {num_classes} apart.")
    preparation = prepared(imported, preprocessing, mean, deviation, resize)
    section = PreprocessingSection(mean=list(preparation.mean), deviation=list(preparation.deviation))
    input_shape: tuple[int, int, int] = network.input_shape[1:]
    model = with_preprocessing(network, section, input_shape)
    described = Metadata(
        title=f"{form.whole_title} from {source.name}",
        network=form.network,
        input_shape=input_shape,
        class_names=tuple(class_names),
        shorter_side=preparation.shorter_side,
        source=source.name,
        sha256=imported.sha256,
    )
    with files.whole(output) as temporary:
        model.save(temporary)
        metadata.write(temporary, described)
    return described
