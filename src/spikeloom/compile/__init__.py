"""The compiler: from a statement of one time step to kernels over all of them. It knows no neuron."""

from . import _library as _library
from ._backend import backend
from ._execute import prepare, run
from ._object_code import cache_folder
from ._plan import Plan
from ._policy import memory
from ._recurrent import Feedback, run_recurrent
from ._statement import Statement
from ._trace import depends, leaf, partials

__all__ = [
    "Feedback", "Plan", "Statement", "backend", "cache_folder", "depends", "leaf", "memory", "partials", "prepare",
    "run", "run_recurrent",
]  # fmt: skip
