"""The source text of recurrent kernels: loops over groups of samples, over time, over the neurons of a group.

Before the neurons of a step are advanced, what returns to them is added to their currents: row j of the weight times
value j of the sample, for every j in order. Values that are zero are skipped; or none is, where so many are not that
it pays to let four samples share what is read of the weight. Either way the numbers are added in the same order, so
that the choice, made anew for each four samples and each step, changes nothing but speed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from ._numba_source import _HEADER, GRAIN, KernelSource, _indented, _over_block, statement

# Samples that share a pass over the weight, and rows of the weight that share a pass over the currents.
TILE, ROWS = 4, 4
# Four samples are multiplied densely where more than this share of their values is not zero. On one core, 256 neurons,
# 128 samples, 100 steps: 8 ms at 8 %, 12 ms at 24 %, 19 ms at 47 % with zeros skipped, 16 ms with none skipped
# (torch.mm takes 18 ms for the product alone).
DENSE = 0.35


@dataclass
class RecurrentSource(KernelSource):
    """A recurrent kernel being written; a sample belongs to the thread that has its first neuron.

    What is read besides the streams of the loop: `sizes` holds the neurons of a sample, the delay, and the samples of
    a group; `weight` [n, n] one row for each value that returns; `current`, `places` and `counts` are room to work in.
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
            f"counts_b = at({self._named('counts')}, sample)",
            *self.cells,
            *over_time,
            *self._watch(),
            "sample += group",
        ]
        sizes = self._named("sizes")
        lines = [
            f"n, delay, group = load({sizes}, int64(0)), load({sizes}, int64(1)), load({sizes}, int64(2))",
            f"weight = {self._named('weight')}",
            "sample, end = (lo + n - 1) // n, (hi + n - 1) // n",
            "while sample < end:",
            *_indented(group),
        ]
        return "\n".join([_HEADER[self.real] + f"def {self.name}({parameters}):", *_indented(lines)]) + "\n"

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
        *_product(),
    ]


def _returning_gradients(source: str) -> list[str]:
    """The gradient of an output is that of the inputs which it reached `delay` steps later."""
    row = f"source_t = at({source}, (t + delay) * neurons + block)"
    return ["if t + delay < steps:", f"    {row}", *_indented(_product())]


def _product() -> list[str]:
    """Add the product of a group's rows at `source_t` with the weight to its currents."""
    per_sample = ["q = int64(0)", "while q < tile:", *_indented([*_one_sample(), "q += 1"])]
    tiles = [
        f"tile = min(members - m, int64({TILE}))",
        "total = int64(0)",
        "q = int64(0)",
        "while q < tile:",
        "    total += load(counts_b, m + q)",
        "    q += 1",
        f"if (tile == int64({TILE})) & (float64(total) > {DENSE * TILE} * float64(n)):",
        *_indented(_four_samples()),
        "else:",
        *_indented(per_sample),
        "m += tile",
    ]
    return [
        "m = int64(0)",
        "while m < members:",
        *_indented(_listing()),
        "m = int64(0)",
        "while m < members:",
        *_indented(tiles),
    ]


def _listing() -> list[str]:
    """The places of a sample's values that are not zero, in order and without a branch."""
    return [
        "row, found = at(source_t, m * n), at(places_b, m * n)",
        "count = int64(0)",
        "j = int64(0)",
        "while j < n:",
        "    store(found, count, j)",
        "    count += int64(load(row, j) != zero)",
        "    j += 1",
        "store(counts_b, m, count)",
        "m += 1",
    ]


def _one_sample() -> list[str]:
    return [
        "row, found = at(source_t, (m + q) * n), at(places_b, (m + q) * n)",
        "into = at(current_b, (m + q) * n)",
        "count = load(counts_b, m + q)",
        *_sum("count", ["into"], ["row"], "load(found, p + {})"),
    ]


def _four_samples() -> list[str]:
    rows, sums = [f"row{q}" for q in range(TILE)], [f"into{q}" for q in range(TILE)]
    bound = [f"row{q} = at(source_t, (m + {q}) * n)" for q in range(TILE)]
    bound += [f"into{q} = at(current_b, (m + {q}) * n)" for q in range(TILE)]
    return [*bound, *_sum("n", sums, rows, "p + {}")]


def _sum(count: str, sums: list[str], rows: list[str], place: str) -> list[str]:
    """Over `count` places: each sum plus its row's value there times the weight's row, some rows at a time."""
    lines = ["p = int64(0)"]
    for width in (ROWS, 1):
        bound = [f"j{r} = {place.format(r)}" for r in range(width)]
        bound += [f"w{r} = at(weight, j{r} * n)" for r in range(width)]
        bound += [f"a{q}_{r} = load({row}, j{r})" for q, row in enumerate(rows) for r in range(width)]
        inner = [f"u{r} = load(w{r}, i)" for r in range(width)]
        for q, into in enumerate(sums):
            total = f"load({into}, i)"
            for r in range(width):
                total = f"({total} + a{q}_{r} * u{r})"
            inner.append(f"store({into}, i, {total})")
        columns = ["i = int64(0)", "while i < n:", *_indented([*inner, "i += 1"])]
        lines += [f"while p + {width} <= {count}:", *_indented([*bound, *columns, f"p += {width}"])]
    return lines
