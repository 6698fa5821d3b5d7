"""Recipes: published systems, one short file each, with what they claim and what is measured here.

`recipes.reproduce("rank-order-digits")` runs one, `spikeloom recipes` lists them. Every file of this folder whose name
does not begin with `_` is a recipe and is found by itself.
"""

from __future__ import annotations

from ..settings import setting
from ._bar import Absent, Bar, Spread, Verdict
from ._catalogue import catalogue, load, names
from ._contract import check_recipe
from ._form import Form
from ._measured import measured
from ._recipe import Figures, Recipe
from ._reference import Reference
from ._reproduce import RecipeStopped, reproduce
from ._result import Result, SeedResult
from ._run import Run, Watch

# Headings under which recipes are listed.
FAMILIES = (
    "binary and low precision", "circuits", "closed loops and search", "conversion", "encodings", "events",
    "gradient learning", "hardware", "local learning", "networks of the brain", "neurons", "online learning",
    "plasticity", "probabilistic", "read-outs", "robustness", "sequences", "simulators", "timing", "vision",
)  # fmt: skip

__all__ = [
    "FAMILIES", "Absent", "Bar", "Figures", "Form", "Recipe", "RecipeStopped", "Reference", "Result", "Run",
    "SeedResult", "Spread", "Verdict", "Watch", "catalogue", "check_recipe", "load", "measured", "names",
    "reproduce", "setting",
]  # fmt: skip
