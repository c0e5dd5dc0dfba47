"""Networks as scikit-learn's estimators: `pip install 'funcnn[sklearn]'`.

`NetworkClassifier` and `NetworkRegressor` stand wherever scikit-learn takes an estimator: in pipelines, grid searches
and cross-validation. They hold what elsewhere are values of yours, and train by `train`.

>>> from funcnn.estimators import NetworkClassifier
>>> NetworkClassifier(hidden=(32,), epochs=50, random_state=0)
NetworkClassifier(epochs=50, hidden=(32,), random_state=0)
"""

from funcnn.bridges.extras import needed

needed("sklearn", "funcnn.estimators")  # before the files that import it

from funcnn.estimators.classifier import NetworkClassifier
from funcnn.estimators.regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
