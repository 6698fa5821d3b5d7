"""Declarations: what a model says of its parameters, state variables, inputs and options, as data.

From one declaration come the constructor, the check, the error text, the documentation and the tests.
"""

from ._catalogued import Catalogued
from ._declarations import D, Declaration, Input, Noise, Param, Preset, Shown, State, Value, Variable
from ._declared import Declared, Option, changes

__all__ = [
    "Catalogued",
    "D",
    "Declaration",
    "Declared",
    "Input",
    "Noise",
    "Option",
    "Param",
    "Preset",
    "Shown",
    "State",
    "Value",
    "Variable",
    "changes",
]
