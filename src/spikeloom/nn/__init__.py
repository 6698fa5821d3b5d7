"""Layers for training: stacks, streams and recordings."""

from .explain import Explanation, explain
from .read_out import Count, Rate
from .recurrent import Recurrent
from .sequential import Residual, Sequential
from .state import record, unroll

__all__ = ["Count", "Explanation", "Rate", "Recurrent", "Residual", "Sequential", "explain", "record", "unroll"]
