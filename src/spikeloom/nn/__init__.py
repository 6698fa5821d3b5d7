"""Layers for training: stacks, streams and recordings."""

from .explain import Explanation, explain
from .sequential import Sequential
from .state import record, unroll

__all__ = ["Explanation", "Sequential", "explain", "record", "unroll"]
