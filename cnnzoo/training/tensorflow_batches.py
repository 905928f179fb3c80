"""A ``tf.data.Dataset`` of a training's batches, without autotuning.

Keras would make one with autotuning. At the end of an epoch TensorFlow 2.20 wakes the autotuning thread first, and only
then sets the flag that ends it (``Model::OptimizeLoop``, ``CancellationManager::StartCancel``). A thread that reads the
flag too early sleeps again, at worst as long as the epoch took, and the next epoch waits for it.
"""

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

# Batches that are made while the device computes; streamed images are read even earlier.
PREFETCHED = 2


def make_dataset(batches: keras.utils.PyDataset) -> tf.data.Dataset:
    """Return the batches as a data set; each epoch asks for them again.

    Args:
        batches: With a fixed number of batches, each a nested tuple of arrays.
    """

    def generate() -> Iterator[Any]:
        for step in range(len(batches)):
            yield batches[step]

    signature = keras.tree.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), batches[0])
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    dataset = dataset.prefetch(PREFETCHED).apply(tf.data.experimental.assert_cardinality(len(batches)))
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
