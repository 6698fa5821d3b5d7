"""The public contract test of recipes."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import DataError, SpikeloomError
from ._bar import Absent
from ._recipe import Recipe
from ._reproduce import reproduce
from ._result import Result

_SEEDS = 3


def check_recipe(recipe: type[Recipe], form: str | None = None, *, repeat: bool = True) -> Result:
    """Test that a recipe keeps its contract; run it on yours. Returns what was measured.

    Declarations are complete: texts, forms, bars with their reason, settings that exist, three seeds or the reason for
    fewer, a chance level and a control or the reason why there is none. The form, by default the shortest, gives all
    figures that are named; with `repeat`, its first seed gives the same ones again. It works, or every bar that is
    missed says why in `missed`, and none that is reached.
    Raises: AssertionError that says what was broken, DataError where a data set is missing.
    """
    wrong = list(_incomplete(recipe))
    _require(not wrong, recipe, "; ".join(wrong))
    chosen = recipe.shortest() if form is None else form
    try:
        result = reproduce(recipe, chosen)
    except DataError:
        raise
    except SpikeloomError as error:
        raise AssertionError(f"{recipe.__name__}, {chosen}: {error}") from error
    if repeat:
        first = next(iter(result.seeds))
        again = reproduce(recipe, chosen, seeds=[first]).seeds[first].figures
        # As text, for which NaN is NaN.
        same = str(dict(again)) == str(dict(result.seeds[first].figures))
        _require(same, recipe, f"seed {first} gave {dict(result.seeds[first].figures)}, then {dict(again)}")
    wrong = list(_misjudged(result))
    _require(not wrong, recipe, f"{chosen}: " + "; ".join(wrong))
    return result


def _incomplete(recipe: type[Recipe]) -> Iterator[str]:
    """What is missing from the declarations, in words."""
    for name in ("row", "family", "title", "claim", "shown"):
        if not str(getattr(recipe, name, "")).strip():
            yield f"{name} is missing"
    for name in ("reference", "chance", "control", "quick", "full"):
        if not hasattr(recipe, name):
            yield f"{name} is missing"
            return
    for name, level in (("chance", recipe.chance), ("control", recipe.control)):
        if isinstance(level, Absent) and not level.why.strip():
            yield f"{name} is absent without a reason"
    for name, form in recipe.forms().items():
        if len(form.seeds) < _SEEDS and not form.few_seeds:
            yield f"{name} has {len(form.seeds)} seeds and no reason (few_seeds)"
        yield from (f"{name} has no setting {key!r} to change" for key in form.settings if key not in recipe.settings())
        yield from (
            f"{name}: the bar of {bar.figure!r} has no reason (why)" for bar in form.bars if not bar.why.strip()
        )


def _misjudged(result: Result) -> Iterator[str]:
    for verdict in result.verdicts:
        bar = verdict.bar
        if not verdict.reached and not bar.missed:
            told = f"{bar.figure} is {verdict.measured}, {bar.described()} was to be reached"
            yield f"{told}; where that is a finding, missed says why"
        if verdict.reached and bar.missed:
            yield f"{bar.figure} is {verdict.measured}, {bar.described()} is reached: take missed away"
    explained = any(verdict.bar.missed for verdict in result.verdicts)
    for what, level in (("chance", result.chance), ("control", result.control)):
        if result.beats(level) is False and not explained:
            yield f"{what} ({result.level(level)}) is not beaten with every seed by {result.verdicts[0].measured}"


def _require(condition: bool, recipe: type[Recipe], message: str) -> None:
    if not condition:
        raise AssertionError(f"{recipe.__name__}: {message}")
