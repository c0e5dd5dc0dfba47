"""Derivatives of networks and losses, on top of the pullbacks they carry."""

from funcnn.derivatives.objectives import Gradient, Objective, grad, value_and_grad
from funcnn.derivatives.pullbacks import vjp

__all__ = ["Gradient", "Objective", "grad", "value_and_grad", "vjp"]
