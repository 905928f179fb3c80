"""What a config asks for, checked as far as that takes no images."""

import cnnzoo.models  # noqa: F401 - registers the zoo
from cnnzoo import data
from cnnzoo.config import Config
from cnnzoo.data.preprocessing import padded_shape
from cnnzoo.inspection import outline


def check_network(config: Config) -> None:
    """Check that the network takes the images and classes of the data set.

    Raises:
        UserError: It does not.
    """
    known = data.describe(data.resolved(config).data)
    with config.blaming("model"):
        input_shape = padded_shape(config.preprocessing, known.input_shape)
        outline(config.model.name, input_shape, len(known.class_names), **config.model.options)
