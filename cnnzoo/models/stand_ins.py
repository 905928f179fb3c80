"""What stands as Keras's own of the same name in a saved model, and is ours again once it is loaded."""

from cnnzoo.models.initializers import RandomNormal, VarianceScaling
from cnnzoo.models.normalization import BatchNormalization

# For ``keras.saving.load_model``, which draws a model's weights before it reads them.
CUSTOM_OBJECTS = {cls.__name__: cls for cls in (BatchNormalization, RandomNormal, VarianceScaling)}
