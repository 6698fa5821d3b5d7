"""A page for each neuron of the catalogue, made from its statement: equations, parameters, presets and a picture."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from spikeloom.neurons import Neuron, Wrapper
from spikeloom.parameters import Declared, Option, Param, Preset
from spikeloom.report._figure import save_figure
from spikeloom.report.neuron import draw_neuron
from spikeloom.synapses import Receptors, Synapse

# The methods that state the dynamics, in the order of a step.
_METHODS = ("deliver", "derivative", "diffusion", "charge", "current", "jump", "threshold", "fire", "reset")
# Of few colours: a fifth of the bytes, and all of it to be seen.
_DPI, _COLOURS = 70, 32
# What every neuron has is described once, in the index.
_EVERYWHERE = ("dt", "surrogate", "integrator", "detach_reset")


def model_page(name: str, neuron: Neuron, picture: str) -> str:
    """The page of a neuron as Markdown; `picture` is the path of its picture.

    >>> import spikeloom as sl
    >>> print(model_page("LIF", sl.LIF(), "LIF.png").splitlines()[0])
    # LIF
    """
    kind = subject(name, neuron)
    text = inspect.cleandoc((kind.__doc__ or "").split("\n    Parameters:\n")[0])
    parts = [
        f"# {name}",
        f"*{neuron.family}*",
        _prose(text),
        f"![{name}]({picture})",
        "## Parameters",
        _parameters(neuron),
    ]
    parts += ["## Variables", _variables(neuron)]
    if presets := presets_of(kind):
        parts += ["## Presets", f"`{kind.__module__.split('.')[1]}.{name}.preset(name)`", _presets(presets)]
    parts += ["## Statement", f"```text\n{_statement(kind)}\n```"]
    return "\n\n".join(parts) + "\n"


def subject(name: str, neuron: Neuron) -> type[Declared]:
    """The class that a page is about: of a neuron with a synapse, the synapse."""
    synapses = neuron.synapses.values() if isinstance(neuron, Receptors) else ()
    return next((type(synapse) for synapse in synapses if type(synapse).__name__ == name), type(neuron))


def index_page(neurons: Mapping[str, Neuron]) -> str:
    """The list of all pages, by family."""
    parts = [
        "# Neurons and synapses",
        "Each page is made from the model's own statement by `make docs`. Every model also has the parameter `dt`, the "
        "time step in ms, and the options `surrogate`, `integrator` and `detach_reset`.",
    ]
    for family in dict.fromkeys(neuron.family for neuron in neurons.values()):
        members = {name: neuron for name, neuron in neurons.items() if neuron.family == family}
        kinds = {n: subject(n, neuron) for n, neuron in members.items()}
        rows = [[f"[{n}]({n}.md)", summary(kind), ", ".join(presets_of(kind))] for n, kind in kinds.items()]
        parts += [f"## {family[0].upper()}{family[1:]}", _table(("", "", "presets"), rows)]
    return "\n\n".join(parts) + "\n"


def presets_of(kind: type[Declared]) -> Mapping[str, Preset]:
    """The published sets of parameters of a class."""
    return getattr(kind, "presets", {})


def summary(kind: type[Declared]) -> str:
    """The first sentence of a model's docstring, without its equation; where that is one, what its file says it is."""
    first = (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    words = re.split(r"(?<=[a-z0-9)])[:.](?: |$)", re.sub(r" +", " ", first))[0]
    if " = " in words:
        words = (sys.modules[kind.__module__].__doc__ or "").split("\n")[0].removesuffix(".")
    return words


def write_pages(neurons: Mapping[str, Neuron], folder: Path, *, pictures: bool = True) -> Iterable[str]:
    """Write the index and the page of each neuron; yields each name when its page is there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(index_page(neurons), encoding="utf-8")
    for name, neuron in neurons.items():
        (folder / f"{name}.md").write_text(model_page(name, neuron, f"{name}.png"), encoding="utf-8")
        if pictures:
            save_figure(draw_neuron(neuron, title=name), folder / f"{name}.png", dpi=_DPI, colours=_COLOURS)
        yield name


def _prose(docstring: str) -> str:
    """A docstring as Markdown: its example as code."""
    text, _, example = docstring.partition(">>> ")
    fields = re.sub(r"(?m)^(Shapes|Units|Raises|Source):", r"\n**\1:**", text).strip()
    return f"{fields}\n\n```pycon\n>>> {example.strip()}\n```" if example else fields


def _parameters(neuron: Neuron) -> str:
    own = neuron.neuron if isinstance(neuron, Wrapper) else None
    params = {n: p for n, p in neuron.params.items() if n not in _EVERYWHERE and not n.startswith("surrogate_")}
    rows = [
        [f"`{n}`", f"{p.default:g}", p.unit, p.bounds, p.meaning]
        for n, p in params.items()
        if own is None or n not in own.params
    ]
    declared = neuron.declared(Param) | neuron.declared(Option)
    for n, item in declared.items():
        changed = n in _EVERYWHERE and repr(item.default) != repr(Neuron.declarations[n].default)  # type: ignore[attr-defined]
        if changed or (n not in _EVERYWHERE and isinstance(item, Option)):
            rows.append([f"`{n}`", f"`{item.default!r}`", "", "", item.meaning])
    return _table(("", "default", "unit", "bounds", "meaning"), rows) if rows else "None of its own."


def _variables(neuron: Neuron) -> str:
    rows = [[f"`{n}`", "input", i.unit, "", i.meaning] for n, i in neuron.inputs.items()]
    rows += [
        [f"`{n}`", "output" if n == neuron.output else "state", s.unit, f"{s.rest}", s.meaning]
        for n, s in neuron.states.items()
    ]
    rows += [[f"`{n}`", "noise", "", "", f"{n_.meaning}, {n_.distribution}"] for n, n_ in neuron.noises.items()]
    rows.append(
        ["`s`" if neuron.spiking else f"`{neuron.output}`", "output", "1", "", "spikes" if neuron.spiking else ""]
    )
    return _table(("", "", "unit", "at rest", "meaning"), rows)


def _presets(presets: Mapping[str, Preset]) -> str:
    rows = [
        [f"`{name}`", ", ".join(f"{key} = {value}" for key, value in preset.values.items()), preset.source]
        for name, preset in presets.items()
    ]
    return _table(("", "values", "source"), rows)


def _statement(kind: type[Declared]) -> str:
    """The code of the methods in which the class, or one it derives from, says its dynamics."""
    texts = []
    for name in _METHODS:
        owner = next((base for base in kind.__mro__ if name in vars(base)), None)
        # A parameter may have the name of a method that its class does without.
        if owner not in (None, Neuron, Wrapper, Synapse) and inspect.isfunction(vars(owner)[name]):
            texts.append(inspect.cleandoc(inspect.getsource(vars(owner)[name])))
    return "\n\n".join(texts)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), ["---" for _ in head], *(list(row) for row in rows)]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )
