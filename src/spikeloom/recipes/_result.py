"""What a recipe has measured: figures for each seed, judged by its bars, as data and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from ..errors import CheckpointError
from ._bar import Absent, Bar, Spread, Verdict
from ._recipe import Recipe

_VERSION = 1


@dataclass(frozen=True)
class SeedResult:
    """The figures of one seed, how long they took, and what was noted."""

    figures: Mapping[str, float]
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """Figures over seeds, where and with what they were measured, and whether the recipe works."""

    recipe: str
    form: str
    settings: Mapping[str, Any]
    bars: tuple[Bar, ...]
    chance: float | str | Absent
    control: str | Absent
    seeds: Mapping[int, SeedResult]
    date: str
    machine: str
    versions: Mapping[str, str]
    code: str

    @property
    def figures(self) -> dict[str, Spread]:
        """Every figure over seeds, by name."""
        runs = [run.figures for run in self.seeds.values()]
        return {name: Spread.of([figures[name] for figures in runs]) for name in (runs[0] if runs else ())}

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Each bar, reached or missed."""
        found = self.figures
        return tuple(Verdict(bar, found.get(bar.figure, Spread.of([math.nan]))) for bar in self.bars)

    @property
    def headline(self) -> str:
        """The figure that is compared with chance and control."""
        return self.bars[0].figure

    def level(self, of: float | str | Absent) -> Spread | None:
        """Of chance or control: what it is; None where there is none."""
        if isinstance(of, Absent):
            return None
        return self.figures.get(of) if isinstance(of, str) else Spread(of, of, of)

    def beats(self, other: float | str | Absent) -> bool | None:
        """Whether, every seed, the first bar's figure is better than chance or control; None where there is none."""
        if isinstance(other, Absent):
            return None
        bar = self.bars[0]
        pairs = [
            (
                run.figures.get(bar.figure, math.nan),
                run.figures.get(other, math.nan) if isinstance(other, str) else other,
            )
            for run in self.seeds.values()
        ]
        better = (bar.better(own, without) for own, without in pairs)
        return bool(pairs) and not any(math.isnan(v) for pair in pairs for v in pair) and all(better)

    @property
    def works(self) -> bool:
        """Whether every bar is reached and chance and control are beaten."""
        against = (self.beats(self.chance), self.beats(self.control))
        return bool(self.seeds) and all(v.reached for v in self.verdicts) and False not in against

    @property
    def seconds(self) -> float:
        """What all seeds took."""
        return math.fsum(run.seconds for run in self.seeds.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noted, each once."""
        return tuple(dict.fromkeys(note for run in self.seeds.values() for note in run.notes))

    def judged_by(self, recipe: type[Recipe]) -> Self:
        """The same figures with the bars, chance and control that the recipe declares now."""
        return replace(self, bars=recipe.form(self.form).bars, chance=recipe.chance, control=recipe.control)

    def to_json(self) -> str:
        """All of it, with means, verdicts and the versioned format's number."""
        verdicts = [{**v.bar.to_json(), "measured": _number(v.measured.mean), "verdict": str(v)} for v in self.verdicts]
        told = {
            "version": _VERSION,
            "recipe": self.recipe,
            "form": self.form,
            "settings": dict(self.settings),
            "works": self.works,
            "beats chance": self.beats(self.chance),
            "beats control": self.beats(self.control),
            "chance": _level(self.chance),
            "control": _level(self.control),
            "bars": verdicts,
            "figures": {
                name: {"mean": _number(s.mean), "min": _number(s.least), "max": _number(s.most)}
                for name, s in self.figures.items()
            },
            "seeds": {
                str(seed): {
                    "figures": {name: _number(value) for name, value in run.figures.items()},
                    "seconds": run.seconds,
                    "notes": list(run.notes),
                }
                for seed, run in self.seeds.items()
            },
            "date": self.date,
            "machine": self.machine,
            "versions": dict(self.versions),
            "code": self.code,
        }
        return json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: object) -> Self:
        """What `to_json` wrote. Raises: CheckpointError."""
        what, expected = str(source), "the result of a recipe"
        try:
            found = json.loads(text)
            if found["version"] > _VERSION:
                do = "use a newer version of Spikeloom"
                raise CheckpointError(what, expected=f"version {_VERSION}", got=found["version"], do=do)
            seeds = {int(seed): _seed(run) for seed, run in found["seeds"].items()}
            same = ("recipe", "form", "settings", "date", "machine", "versions", "code")
            return cls(
                **{name: found[name] for name in same},
                bars=tuple(Bar.from_json(bar) for bar in found["bars"]),
                chance=_read_level(found["chance"]),
                control=_read_level(found["control"]),
                seeds=seeds,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(what, expected=expected, got=f"a damaged file ({error!r})") from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """From a file. Raises: CheckpointError."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"), source=path)
        except (OSError, UnicodeDecodeError) as error:
            raise CheckpointError(f"{path}", expected="the result of a recipe", got=str(error)) from None


def _number(value: float) -> float | str:
    """JSON knows no NaN and no infinity."""
    return value if math.isfinite(value) else str(value)


def _level(of: float | str | Absent) -> Any:
    return {"none, because": of.why} if isinstance(of, Absent) else of


def _read_level(found: Any) -> Any:
    return Absent(found["none, because"]) if isinstance(found, dict) else found


def _seed(found: Mapping[str, Any]) -> SeedResult:
    figures = {name: float(value) for name, value in found["figures"].items()}
    return SeedResult(figures, float(found["seconds"]), tuple(found["notes"]))
