"""The compiler: from a statement of one time step to kernels over all of them. It knows no neuron."""

from . import _library as _library
from ._backend import backend
from ._complex import is_complex, joined, parts
from ._execute import prepare, run
from ._inline import Inlined
from ._native import StepKernel, Table, invoke, layout, native, step_kernel
from ._object_code import cache_folder
from ._plan import Plan
from ._policy import memory
from ._recurrent import plan_recurrent, run_recurrent
from ._recurrent_function import Feedback
from ._site import Site
from ._statement import Statement
from ._trace import depends, leaf, partials

__all__ = [
    "Feedback", "Inlined", "Plan", "Site", "Statement", "StepKernel", "Table", "backend", "cache_folder", "depends",
    "invoke", "is_complex", "joined", "layout", "leaf", "memory", "native", "partials", "parts", "plan_recurrent",
    "prepare", "run", "run_recurrent", "step_kernel",
]  # fmt: skip
