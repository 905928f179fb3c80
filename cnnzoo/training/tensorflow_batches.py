"""Batches of a training as TensorFlow takes them.

Keras would make the same ``tf.data.Dataset``, but with TensorFlow's tuning of it, whose thread sleeps for twice as long
each time, up to a minute. The end of an epoch waits for the thread: TensorFlow wakes it before it marks it as
cancelled (``CancellationManager`` and ``Model::OptimizeLoop`` of TensorFlow 2.20), and if the thread looks for the mark
too early, it sleeps on, for as long as the epoch has taken at worst.
"""

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

# Batches that are made while the device computes.
AHEAD = 2


def make_dataset(batches: keras.utils.PyDataset) -> tf.data.Dataset:
    """Return the batches as a data set without tuning; each epoch asks for them again.

    Args:
        batches: With a fixed number of batches, each a nested tuple of arrays.
    """

    def generate() -> Iterator[Any]:
        for step in range(len(batches)):
            yield batches[step]

    signature = keras.tree.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), batches[0])
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    dataset = dataset.prefetch(AHEAD).apply(tf.data.experimental.assert_cardinality(len(batches)))
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
