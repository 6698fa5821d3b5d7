"""The source text of recurrent kernels: loops over groups of samples, over time, over the neurons of a group.

Before the neurons of a step are advanced, what returns to them is added to their currents by a product that is
compiled apart (`_recurrent_product.py`), since it is the same for every neuron.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from ._numba_source import _HEADER, GRAIN, KernelSource, _indented, _over_block, statement

_PRODUCT = "add_product(product, current_b, source_t, weight, places_b, counts_b, members, n)"


@cache
def _words() -> str:
    """The line that imports the word `add_product`, and changes whenever it does."""
    text = Path(__file__).with_name("_recurrent_words.py").read_bytes()
    return f"from {__package__}._recurrent_words import add_product  # {hashlib.sha256(text).hexdigest()}\n"


@dataclass
class RecurrentSource(KernelSource):
    """A recurrent kernel being written; a sample belongs to the thread that has its first neuron.

    What is read besides the streams of the loop: `sizes` holds the neurons of a sample, the delay, the samples of a
    group and the address of the product; `weight` [n, n] has one row for each value that returns; `current`, `places`
    and `counts` are room to work in.
    """

    # Of the arguments above, as the kernel's streams are named.
    prefix: str = "in_"
    # The stream that is added to, and the one whose rows return.
    onto: str = ""
    source: str = ""

    @classmethod
    def of(cls, plain: KernelSource, prefix: str, value: str, onto: str, source: str) -> RecurrentSource:
        """The recurrent kernel of a plain one, in which `value` is read from the stream `onto`."""
        given = {item.name: getattr(plain, item.name) for item in fields(KernelSource)}
        kernel = cls(**given, prefix=prefix, onto=onto, source=source)
        (part,) = kernel.passes
        part.loads = [_current(line, value) for line in part.loads]
        kinds = {"sizes": "int64*", "weight": f"{kernel.real}*", "current": f"{kernel.real}*"}
        kinds |= {"places": "int64*", "counts": "int64*"}
        kinds |= {} if part.backward else {"before": f"{kernel.real}*"}
        kernel.arguments.update({prefix + name: kind for name, kind in kinds.items()})
        return kernel

    def text(self) -> str:
        """The whole kernel."""
        parameters = ", ".join(name for name, _ in self.all_arguments())
        (part,) = self.passes
        step = [
            "t = steps - 1 - k" if part.backward else "t = k",
            *part.rows,
            *_over_block([f"store(current_b, i, load({self.onto}_t, i))", "i += 1"]),
            *(_returning_gradients(self.source) if part.backward else _returning(self.source, self._named("before"))),
            *_over_block([*part.loads, *map(statement, part.body), *part.stores, "i += 1"]),
            "k += 1",
        ]
        over_time = ["k = int64(0)", "while k < steps:", *_indented(step)]
        group = [
            "members = min(end - sample, group)",
            "block, size = sample * n, members * n",
            *(f"{name}_b = at({self._named(name)}, block)" for name in ("current", "places")),
            f"counts_b = at({self._named('counts')}, 2 * sample)",
            *self.cells,
            *over_time,
            *self._watch(),
            "sample += group",
        ]
        sizes = self._named("sizes")
        lines = [
            f"n, delay = load({sizes}, int64(0)), load({sizes}, int64(1))",
            f"group, product = load({sizes}, int64(2)), load({sizes}, int64(3))",
            f"weight = {self._named('weight')}",
            "sample, end = (lo + n - 1) // n, (hi + n - 1) // n",
            "while sample < end:",
            *_indented(group),
        ]
        return _words() + "\n".join([_HEADER[self.real] + f"def {self.name}({parameters}):", *_indented(lines)]) + "\n"

    def _named(self, name: str) -> str:
        return self.prefix + name

    def _watch(self) -> list[str]:
        """Groups may share a place, so that only what was found is written."""
        if not self.watched:
            return []
        loop = ["bad = False", *_over_block([*self.watched, "i += 1"])]
        return [*loop, "if bad:", f"    store(nan_found, block // {GRAIN}, uint8(1))"]


def _current(line: str, value: str) -> str:
    return f"{value} = load(current_b, i)" if line.startswith(f"{value} = ") else line


def _returning(source: str, before: str) -> list[str]:
    """Outputs return after `delay` steps; the first ones are those in flight `before` the first step."""
    return [
        f"source_t = at({source}, (t - delay) * neurons + block)",
        "if t < delay:",
        f"    source_t = at({before}, t * neurons + block)",
        _PRODUCT,
    ]


def _returning_gradients(source: str) -> list[str]:
    """The gradient of an output is that of the inputs which it reached `delay` steps later."""
    row = f"source_t = at({source}, (t + delay) * neurons + block)"
    return ["if t + delay < steps:", f"    {row}", f"    {_PRODUCT}"]
