"""Models in files."""

import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from cnnzoo.errors import UserError


def load_model(path: Path) -> Any:
    """Load a saved model, from raw pixels to logits, with all its heads; code inside the file is refused.

    Raises:
        UserError: The file is damaged, or is not a Keras model.
    """
    import keras  # noqa: PLC0415 - after the runtime has chosen the backend

    from cnnzoo.models.stand_ins import CUSTOM_OBJECTS  # noqa: PLC0415 - registers the zoo's own layers, too

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True, custom_objects=CUSTOM_OBJECTS)
    except (OSError, ValueError, TypeError, KeyError, BadZipFile, zlib.error):
        raise UserError(f"{path} is damaged or is no model that this version can load; train the run again.") from None
