"""Keras's image layers with the channels last, even where a program or ``keras.json`` puts them first."""

from functools import partial

from keras import layers

AveragePooling2D = partial(layers.AveragePooling2D, data_format="channels_last")
Conv2D = partial(layers.Conv2D, data_format="channels_last")
Flatten = partial(layers.Flatten, data_format="channels_last")
GlobalAveragePooling2D = partial(layers.GlobalAveragePooling2D, data_format="channels_last")
MaxPooling2D = partial(layers.MaxPooling2D, data_format="channels_last")
ZeroPadding2D = partial(layers.ZeroPadding2D, data_format="channels_last")
