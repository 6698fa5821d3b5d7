"""Recipes in Markdown: the table of all, and a page of each, made from what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ._bar import Absent, shown
from ._measured import measured, stale
from ._recipe import Recipe
from ._result import Result

_METHOD = """Made by `make docs` from the recipes and from what `make reproduce` measured; no figure is written by hand.

A recipe is one published system in one file, built from the library's parts. `spikeloom recipes` lists them, and
`spikeloom run NAME` runs one. *Claimed* is the paper's own figure, where it gives one. *Quick* and *full* are the
figures measured here, as mean (least to most) over seeds, of the form that runs in seconds and of the one that the
claim needs. *Chance* is what guessing reaches, *control* the same system without its mechanism. A recipe *works* where
every bar is reached and, with every seed, chance and control are beaten."""
_COLUMNS = ("recipe", "row", "claimed", "chance", "control", "quick", "full", "", "measured on")


def index_page(recipes: Mapping[str, type[Recipe]]) -> str:
    """The table of all recipes, by family."""
    count = sum(_standing(recipe) == "works" for recipe in recipes.values())
    parts = ["# Recipes", _METHOD, f"Recipes: {len(recipes)}; of these work: {count}."]
    for family in sorted({recipe.family for recipe in recipes.values()}):
        members = [recipe for recipe in recipes.values() if recipe.family == family]
        rows = [_row(recipe) for recipe in sorted(members, key=lambda r: r.row)]
        parts += [f"## {family[0].upper()}{family[1:]}", _table(_COLUMNS, rows)]
    return "\n\n".join(parts) + "\n"


def recipe_page(recipe: type[Recipe], pictures: Sequence[str] = ()) -> str:
    """The page of one recipe: `docs/recipes/NAME.md`."""
    found = [result for form in ("quick", "full") if (result := measured(recipe, form)) is not None]
    return report(recipe, found, pictures)


def write_pages(recipes: Mapping[str, type[Recipe]], folder: Path) -> Iterable[str]:
    """Write `recipes.md` and `recipes/NAME.md` below `folder`; yields each name once its page is there."""
    (folder / "recipes").mkdir(parents=True, exist_ok=True)
    (folder / "recipes.md").write_text(index_page(recipes), encoding="utf-8")
    for old in (folder / "recipes").glob("*.md"):
        if old.stem not in recipes:
            old.unlink()
    for name, recipe in recipes.items():
        page = recipe_page(recipe, pictures_of(folder / "recipes", name))
        (folder / "recipes" / f"{name}.md").write_text(page, encoding="utf-8")
        yield name


def pictures_of(folder: Path, name: str) -> list[str]:
    """The pictures of a recipe, `NAME--WORDS.png`."""
    return [path.name for path in sorted(folder.glob(f"{name}--*.png"))]


def report(recipe: type[Recipe], results: Sequence[Result], pictures: Sequence[str] = ()) -> str:
    """A recipe with the figures of one or more of its forms."""
    reference = f"[{recipe.reference}]({recipe.reference.link})" if recipe.reference.link else str(recipe.reference)
    parts = [
        f"# {recipe.title}",
        f"`spikeloom run {recipe.name}` · row {recipe.row} · {recipe.family}",
        reference,
        f"**Claim.** {recipe.claim}" + (f" Claimed: {recipe.claimed}." if recipe.claimed else ""),
        f"**Shown here.** {recipe.shown}",
    ]
    if recipe.stand_in:
        parts.append(f"**A stand-in.** {recipe.stand_in}")
    for what, level in (("chance", recipe.chance), ("control", recipe.control)):
        if isinstance(level, Absent):
            parts.append(f"No {what}: {level.why}.")
    for result in results:
        parts += [f"## {result.form[0].upper()}{result.form[1:]}", *_told(recipe, result)]
    missing = [form for form in ("quick", "full") if form not in {r.form for r in results}]
    if not results:
        parts.append(f"Not measured yet: {' and '.join(missing)}.")
    parts += [f"![{name}]({name})" for name in pictures]
    return "\n\n".join(parts) + "\n"


def _told(recipe: type[Recipe], result: Result) -> list[str]:
    if not result.seeds:
        return ["No seed is done."]
    spreads = result.figures
    verdicts = [[v.bar.figure, v.bar.described(), str(v.measured), str(v), v.bar.why] for v in result.verdicts]
    tables = [_table(("figure", "bar", "measured", "", "why this bar"), verdicts)]
    judged = {v.bar.figure for v in result.verdicts}
    others = [[_label(result, name), str(spread)] for name, spread in spreads.items() if name not in judged]
    if isinstance(result.chance, float | int):
        others.append(["chance", shown(result.chance)])
    tables += [_table(("figure", "measured"), others)] if others else []
    tables += [f"Why it is missed: {v.bar.missed}" for v in result.verdicts if v.bar.missed and not v.reached]
    settings = ", ".join(f"{name} = {value}" for name, value in result.settings.items())
    seeds = ", ".join(map(str, result.seeds))
    words = [
        standing(result).capitalize() + ".",
        *([f"Settings: {settings}."] if settings else []),
        f"Seeds {seeds}, {result.seconds:.3g} s, {result.date}, {result.machine}.",
    ]
    old = stale(recipe, result) if result.form in recipe.forms() else ""
    return [*tables, " ".join(words), *result.notes, *([f"Not of the recipe as it is now: {old}."] if old else [])]


def standing(result: Result) -> str:
    """In words, whether it works, and if not, why not."""
    if result.works:
        return "works"
    wrong = [f"{v.bar.figure} misses its bar" for v in result.verdicts if not v.reached]
    wrong += ["chance is not beaten"] if result.beats(result.chance) is False else []
    wrong += ["the control is not beaten"] if result.beats(result.control) is False else []
    return "does not work: " + ", ".join(wrong)


def _standing(recipe: type[Recipe]) -> str:
    """Of the fullest form that was measured."""
    result = measured(recipe, "full") or measured(recipe, "quick")
    if result is None:
        return "not measured"
    return f"{standing(result)}{', but ' + old if (old := stale(recipe, result)) else ''}"


def _row(recipe: type[Recipe]) -> list[str]:
    results = {form: measured(recipe, form) for form in ("quick", "full")}
    best = results["full"] or results["quick"]
    title = f"[{recipe.title}](recipes/{recipe.name}.md), {recipe.reference.short}"
    where = f"{best.date}, {best.machine}" if best else ""
    return [title, recipe.row, recipe.claimed, *_levels(recipe, best), *_heads(results), _standing(recipe), where]


def _levels(recipe: type[Recipe], result: Result | None) -> list[str]:
    found = []
    for level in (recipe.chance, recipe.control):
        spread = None if result is None else result.level(level)
        if isinstance(level, Absent | float | int):
            found.append("none" if isinstance(level, Absent) else shown(level))
        else:
            found.append("not measured" if spread is None else str(spread))
    return found


def _heads(results: Mapping[str, Result | None]) -> list[str]:
    return [headline(result) if result else "not measured" for result in results.values()]


def headline(result: Result) -> str:
    """The figure of the first bar, with its name and unit."""
    unit = result.bars[0].unit
    return f"{result.headline} {result.verdicts[0].measured}{' ' + unit if unit else ''}"


def _label(result: Result, name: str) -> str:
    said = [word for word, level in (("chance", result.chance), ("control", result.control)) if level == name]
    return f"{name} ({' and '.join(said)})" if said else name


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), ["---" for _ in head], *(list(row) for row in rows)]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )
