"""Derivatives of networks and losses, on top of the pullbacks they carry."""

from funcnn.late_names import answers_for
from funcnn.derivatives.objectives import Gradient, Objective, grad, value_and_grad
from funcnn.derivatives.accumulating import Accumulated, accumulate
from funcnn.derivatives.sharpness import SharpnessAware, sam
from funcnn.derivatives.pullbacks import vjp
from funcnn.derivatives.forward import jvp, linearize
from funcnn.derivatives.jacobians import jacobian
from funcnn.derivatives.curvature import ggn_vp, hvp
from funcnn.derivatives.examples import per_example_grads
from funcnn.derivatives.external import as_scipy
from funcnn.derivatives.layers import input_gradient, tangent
from funcnn.derivatives.second import laplacian, second_tangent

__all__ = [
    "Accumulated", "Gradient", "Objective", "SharpnessAware", "accumulate", "grad", "sam", "value_and_grad", "vjp",
    "jvp", "linearize", "jacobian", "ggn_vp", "hvp", "per_example_grads", "as_scipy",
    "input_gradient", "tangent", "second_tangent", "laplacian",
]  # fmt: skip

answers_for(__name__)
