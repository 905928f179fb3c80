"""The features of images in two dimensions, by t-SNE.

Van der Maaten and Hinton, "Visualizing Data using t-SNE", Journal of Machine Learning Research 9, 2008.
"""

from typing import Any

from numpy.typing import NDArray
from sklearn.manifold import TSNE, trustworthiness

from cnnzoo.errors import UserError

PERPLEXITY = 30
FEWEST = 8


def embed(features: NDArray[Any], seed: int = 0) -> tuple[NDArray[Any], float]:
    """Return the places of images in two dimensions, where neighbours in their features are neighbours too.

    Args:
        features: (count, ...), flattened for each image.
        seed: Of t-SNE.

    Returns:
        The places (count, 2), and their trustworthiness, at most 1. It falls if images are among the 5 nearest in the
        plane that are far in the features, the more the farther: Venna and Kaski, "Neighborhood Preservation in
        Nonlinear Projection Methods", ICANN 2001.

    Raises:
        UserError: There are too few images.
    """
    rows = features.reshape(len(features), -1)
    if len(rows) < FEWEST:
        raise UserError(f"There are {len(rows)} images; t-SNE needs at least {FEWEST}.")
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(rows)
    neighbours = min(5, (len(rows) - 1) // 2)
    return places, float(trustworthiness(rows, places, n_neighbors=neighbours))
