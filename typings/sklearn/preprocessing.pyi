# What the examples use of scikit-learn, which has no types of its own.
from sklearn.base import BaseEstimator

class StandardScaler(BaseEstimator): ...
