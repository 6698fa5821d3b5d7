"""The compiler: from a statement of one time step to kernels over all of them. It knows no neuron."""

from ._backend import backend
from ._execute import Plan, plan_run, run
from ._object_code import cache_folder
from ._statement import Statement
from ._trace import depends, leaf, partials

__all__ = ["Plan", "Statement", "backend", "cache_folder", "depends", "leaf", "partials", "plan_run", "run"]
