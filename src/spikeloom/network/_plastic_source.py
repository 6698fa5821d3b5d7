"""The kernels of a rule of plasticity: loops written around what the compiler makes of its handlers.

Synapses lie in rows, by source and delay; presynaptic traces belong to the segments of rows. Columns list for each
neuron the synapses on it. A trace that decays is kept divided by its decay since a common time, so that nothing has to
be done in steps without spikes: what is stored times `g_<name>` is its value now.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from ..compile import Inlined
from ..plasticity import Handler, Rule

# Entries of the table that every rule has.
COMMON = (
    "weights", "column_start", "column_synapse", "column_segment", "segment_source", "segment_count", "inputs_of_run",
    "shift", "low", "batch", "fired", "fired_stride", "size", "learning", "now", "constants", "seeds", "every",
    "sources", "late",
)  # fmt: skip


class RuleSource:
    """Texts of the kernels of one rule; `own` is their table."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        events = [name for name in rule.handlers() if name not in ("on_step", "on_trial")]
        extra = [name for name in ("on_step", "on_trial", "when") if rule.has(name)]
        if type(rule).efficacy is not Rule.efficacy:
            extra.append("efficacy")
        neuronal = [n for n, traces in (("pre_spike", rule.pre_traces), ("post_spike", rule.spike_traces)) if traces]
        self.programs = {n: self._inlined(n) for n in (*events, *extra, *neuronal)}
        constants = [name for program in self.programs.values() for name in program.constants]
        constants += [f"jump_{name}" for name in self.driven]
        self.constants = {name: place for place, name in enumerate(constants)}
        # What is kept divided by its decay, and its place in `now`: factor, inverse.
        named: dict[str, Any] = {**rule.pre_traces, **rule.post_traces, **rule.synapse_states}
        self.scaled = [
            n for n, item in named.items() if math.isfinite(rule.time_constant(item)) and n not in self.follow
        ]
        self.entries = (
            *COMMON, *(f"all_{n}" for n in named), *(f"all_{n}" for n in rule.post_states),
            *(f"all_{n}" for n in rule.inputs), *(f"share_{n}" for n in self.follow),
        )  # fmt: skip

    def _inlined(self, name: str) -> Inlined:
        outputs = (name,) if name in ("when", "efficacy") else ()
        return Inlined(Handler(self.rule, name), name, outputs)

    @cached_property
    def follow(self) -> tuple[str, ...]:
        """Traces that follow a state of the neuron; they are kept as they are."""
        return tuple(name for name, trace in self.rule.post_traces.items() if trace.of)

    @cached_property
    def driven(self) -> tuple[str, ...]:
        """Traces that inputs drive."""
        return tuple(name for name, trace in self.rule.post_traces.items() if trace.by)

    def values(self) -> list[float]:
        """Constants, in order, for the present parameters."""
        params, traces = self.rule.param_values(), self.rule.post_traces
        found = [value for program in self.programs.values() for value in program.values(params)]
        return found + [float(self.rule.number(traces[name].jump)) for name in self.driven]

    # Reading and writing of variables, by where they live.

    def _place(self, name: str) -> str:
        """Pointer and index of a variable, where `c` is a segment, `p` a synapse, `j` a neuron of the population."""
        rule = self.rule
        if name == "w":
            return "weights, p"
        if name in rule.pre_traces:
            return f"all_{name}, run * segment_count + c"
        if name in rule.synapse_states:
            return f"all_{name}, p"
        if name in rule.inputs:
            return f"at(all_{name}, run * inputs_of_run), j"
        return f"all_{name}, run * size + j"

    def _read(self, name: str) -> str:
        if name == "spiked":
            return "v_spiked = one if load(uint8_at(fired + run * fired_stride), j) != uint8(0) else zero"
        value = f"load({self._place(name)})"
        return f"v_{name} = {value} * g_{name}" if name in self.scaled else f"v_{name} = {value}"

    def _written(self, name: str, value: str) -> str:
        stored = f"({value}) * i_{name}" if name in self.scaled else value
        return f"store({self._place(name)}, {stored})"

    def _event(self, name: str, known: Iterable[str]) -> list[str]:
        """Lines of one event, where the variables `known` have been read."""
        program = self.programs[name]
        read = [self._read(v) for v in sorted(program.reads) if v not in set(known)]
        noise = []
        if program.random:
            entity = "noise_entity = word(j * sources + source)"
            noise = ["noise_seed = word(load(seeds, run))", entity, "noise_step = word(now_step)"]
        return [*read, *noise, *program.lines(), *self._results(name)]

    def _results(self, name: str) -> list[str]:
        program = self.programs[name]
        states = [n for n in program.statement.states if program.changes(n)]
        # All are known before any is written.
        known = [f"r_{n} = {program.result(n)}" for n in states]
        return [*known, *(self._written(n, f"r_{n}") for n in states)]

    # The table.

    def unpacked(self, lines: Iterable[str]) -> list[str]:
        """Statements that bind, from the table `own`, all names that the lines use."""
        text = "\n".join(lines)
        whole = (
            "segment_count", "inputs_of_run", "shift", "low", "batch", "fired", "fired_stride", "size", "learning",
            "every", "sources", "late",
        )  # fmt: skip
        kinds = {"column_start": "int64_at", "column_synapse": "int32_at", "column_segment": "column_at"}
        kinds |= {"segment_source": "int32_at", "seeds": "int64_at"}
        found = []
        factors = [n for n in self.scaled if f"g_{n}" in text or f"i_{n}" in text]
        constants = [n for n in self.constants if n in text]
        for place, name in enumerate(self.entries):
            used = name in text or (name == "now" and factors) or (name == "constants" and constants)
            if used:
                entry = f"load(own, {place})"
                found.append(
                    f"{name} = {entry}" if name in whole else f"{name} = {kinds.get(name, 'real_at')}({entry})"
                )
        for name in factors:
            k = 2 * self.scaled.index(name)
            found += [f"g_{name} = load(now, {k})", f"i_{name} = load(now, {k + 1})"]
        found += [f"{name} = load(constants, {self.constants[name]})" for name in constants]
        return found

    # The kernels.

    def add_arrivals(self) -> str:
        """A spike arrives at the synapses of its segments: deliver, then learn; in place of the static function."""
        delivered = ["v_w = load(weights, p)"]
        amount = "v_w"
        if "efficacy" in self.programs:
            program = self.programs["efficacy"]
            delivered += [self._read(v) for v in sorted(program.reads - {"w"})]
            delivered += program.lines()
            amount = program.result("efficacy")
        body = [
            "target = int64(load(targets, p))", "j = target - shift", *delivered,
            f"store(inputs, target, load(inputs, target) + {amount})",
        ]  # fmt: skip
        plain = ["while p < stop:", *_in([*body, "p += 1"])]
        loop = plain
        if "on_pre" in self.programs:
            known = {"w", *self._of_segment("on_pre")} | (
                set(self.programs["efficacy"].reads) if "efficacy" in self.programs else set()
            )
            learning = ["while p < stop:", *_in([*body, *self._event("on_pre", known), "p += 1"])]
            loop = ["if learning != 0:", *_in(learning), "else:", *_in(plain)]
        first = [self._read(v) for v in self._of_segment("on_pre") | self._of_segment("efficacy")]
        spiked = self._event("pre_spike", ()) if "pre_spike" in self.programs else []
        needs_source = any(p.random for n, p in self.programs.items() if n in ("on_pre", "efficacy"))
        source = ["source = int64(load(int32_at(load(table, QUEUE.rows)), spike))"] if needs_source else []
        segment = ["stop = p + int64(load(segments, 2 * c))", *first, *loop, *spiked, "c += 1"]
        segment.append("when = emitted + int64(load(segments, 2 * c + 1))")
        lines = [
            "cursor, place = int64_at(load(table, QUEUE.cursor)), int64_at(load(table, QUEUE.place))",
            "segments, targets = int32_at(load(table, QUEUE.segments)), target_at(load(table, QUEUE.targets))",
            "base = load(int64_at(load(table, QUEUE.base)), spike)",
            "inputs, run = at(real_at(load(table, QUEUE.buffer)), base), base // inputs_of_run",
            *source,
            "c, p = load(cursor, spike), load(place, spike)",
            "now_step = step + late",
            "when = step",
            "while when == step:",
            *_in(segment),
            "store(cursor, spike, c)",
            "store(place, spike, p)",
            "store(int32_at(load(table, QUEUE.due)), spike, int32(when))",
        ]
        head = ["own = int64_at(load(table, QUEUE.own))", *self.unpacked(lines)]
        return _function("add_arrivals(table, spike, emitted, step)", [*head, *lines])

    def _of_segment(self, name: str) -> set[str]:
        program = self.programs.get(name)
        return set(program.reads) & set(self.rule.pre_traces) if program is not None else set()

    def events(self) -> str:
        """Filters follow the neuron; its spikes, and what has arrived for the rule, change the synapses on it."""
        runs = []
        if self.follow:
            loop = []
            for name in self.follow:
                of = self.rule.post_traces[name].of
                loop += [self._read(of), f"v_{name} = load({self._place(name)})"]
                decayed = f"v_{name} + share * (v_{of} - v_{name})"
                loop += [f"share = load(share_{name}, 0)", f"store({self._place(name)}, {decayed})"]
            runs += _over_neurons(loop)
        if "on_post" in self.programs:
            runs += _over_spikes(["if learning != 0:", *_in(self._column("on_post"))])
        for name in self.rule.inputs:
            if f"on_{name}" in self.programs:
                walk = [self._read(name), "if (learning != 0) & (v_" + name + " != zero):"]
                runs += _over_neurons([*walk, *_in(self._column(f"on_{name}"))])
        return self._kernel("learn_events", runs)

    def settle(self) -> str:
        """Traces of the neurons that have spiked, and of those at which something has arrived; inputs are emptied."""
        runs = []
        if "post_spike" in self.programs:
            runs += _over_spikes(self._event("post_spike", ()))
        loop = []
        for name in self.driven:
            by = self.rule.post_traces[name].by
            loop += [self._read(name), self._read(by), self._written(name, f"v_{name} + jump_{name} * v_{by}")]
        loop += [f"store({self._place(name)}, zero)" for name in self.rule.inputs]
        if loop:
            runs += _over_neurons(loop)
        return self._kernel("learn_settle", runs)

    def sweep(self, name: str) -> str:
        """All synapses, or those of neurons for which `when` holds; `on_step` only at multiples of its interval."""
        walk = self._column(name)
        if name == "on_step" and "when" in self.programs:
            program = self.programs["when"]
            condition = [self._read(v) for v in sorted(program.reads)] + program.lines()
            walk = [*condition, f"if {program.result('when')}:", *_in(walk)]
        runs = _over_neurons(walk)
        if name == "on_step":
            due = "if (learning != 0) & (step > 0) & (step % every == 0):"
            return self._kernel("learn_sweep", runs, due)
        return self._kernel("learn_sweep", runs)

    def _column(self, name: str) -> list[str]:
        """One event at all synapses on neuron j."""
        program = self.programs[name]
        of_neuron = [
            v for v in sorted(program.reads) if v not in ("w", *self.rule.pre_traces, *self.rule.synapse_states)
        ]
        source = ["source = int64(load(segment_source, c))"] if program.random else []
        # Synapses of a column are far apart in memory: they are asked for some steps before they are needed.
        touched = [v for v in ("w", *self.rule.synapse_states) if v in program.reads or program.changes(v)]
        ahead = ["p = int64(load(column_synapse, min(k + 24, last - 1)))"]
        ahead += [f"prefetch(at({self._place(v)}))" for v in touched]
        body = [*ahead, "c += int64(load(column_segment, k))", "p = int64(load(column_synapse, k))", *source]
        body += [*self._event(name, of_neuron), "k += 1"]
        start = ["k, last = load(column_start, j - low), load(column_start, j - low + 1)", "c = int64(0)"]
        return [*[self._read(v) for v in of_neuron], *start, "while k < last:", *_in(body)]

    def _kernel(self, name: str, runs: list[str], condition: str = "") -> str:
        """A kernel over the neurons lo ... hi - 1 in every run."""
        body = runs or ["pass"]
        loop = ["run = int64(0)", "while run < batch:", *_in([*body, "run += 1"])]
        lines = ["now_step = step", *([condition, *_in(loop)] if condition else loop)]
        return _function(f"{name}(own, lo, hi, step)", [*self.unpacked(lines), *lines])


def _over_neurons(lines: list[str]) -> list[str]:
    return ["j = lo", "while j < hi:", *_in([*lines, "j += 1"])]


def _over_spikes(lines: list[str]) -> list[str]:
    """Eight neurons in a word, of which mostly none has spiked.

    Parts begin at multiples of 64; one without neurons may begin within the last word of another's.
    """
    return [
        "spiked, words = uint8_at(fired + run * fired_stride), int64_at(fired + run * fired_stride)",
        "group = lo >> 3",
        "while group < (hi + 7) >> 3:",
        *_in([
            "if load(words, group) != 0:",
            *_in([
                "j = max(8 * group, lo)",
                "while j < min(8 * group + 8, hi):",
                *_in(["if load(spiked, j) != uint8(0):", *_in(lines), "j += 1"]),
            ]),
            "group += 1",
        ]),
    ]  # fmt: skip


def _in(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _function(head: str, lines: Iterable[str]) -> str:
    return "\n".join([f"def {head}:", *_in(lines)]) + "\n"
