# It has NumPy's functions, under their names.
from numpy import *
