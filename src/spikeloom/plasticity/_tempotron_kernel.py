"""An epoch of the tempotron on spike times, in the kernel language (see `network/_words.py`)."""

from __future__ import annotations

from typing import Any

from ..compile import layout

float64_at: Any = None
int64: Any = None
int64_at: Any = None
load: Any = None
store: Any = None
at: Any = None
exp64: Any = None
log64: Any = None

EPOCH = layout(
    "trials",
    "inputs",
    "longest",  # spikes of the longest trial, which is the length of the following rows
    "afferent",
    "mem",  # decays from the spike before
    "syn",
    "spikes",  # of each trial
    "target",  # by trial and output
    "outputs",
    "quiet_spike",  # by trial, where the potential is highest for equal weights
    "quiet_mem",
    "quiet_syn",
    "order",
    "constants",
    "w",
    "before",  # the change before
    "wrong",  # out, by output
)
# In `constants`; the response's scale is v_0.
RATIO, SCALE, V_TH, LR, MOMENTUM, SHUNT = range(6)


def highest(w: Any, afferent: Any, mem: Any, syn: Any, spikes: Any, ratio: Any, enough: Any) -> Any:
    """The highest potential above 0 in units of v_0, the last spike before it, -1 without, and the decays since then.

    From the first that is `enough` on there is no more input.
    """
    slow, fast, best = 0.0, 0.0, 0.0
    last, left_mem, left_syn = int64(-1), 1.0, 1.0
    k = int64(0)
    while k < spikes:
        weight = load(w, load(afferent, k))
        slow, fast = slow * load(mem, k) + weight, fast * load(syn, k) + weight
        # Only then does it rise at first and fall later; the bound leaves out most that are lower than the best.
        if slow * (1.0 - 1.0 / ratio) > best and fast > 0.0 and ratio * fast > slow:
            early = k + 1 == spikes
            if not early:
                early = slow * load(mem, k + 1) > ratio * fast * load(syn, k + 1)
            if early:
                part = slow / (ratio * fast)
                decay = exp64(log64(part) / (ratio - 1.0))
                v = slow * decay * (1.0 - 1.0 / ratio)
                if v > best:
                    best, last, left_mem, left_syn = v, k, decay, decay * part
            else:
                v = slow * load(mem, k + 1) - fast * load(syn, k + 1)
                if v > best:
                    best, last, left_mem, left_syn = v, k, load(mem, k + 1), load(syn, k + 1)
            if best >= enough:
                part = slow / (ratio * fast)
                left_mem = exp64(log64(part) / (ratio - 1.0))
                left_syn = left_mem * part
                k = spikes
        k += 1
    return best, last, left_mem, left_syn


def learn_epoch(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """All trials in row `step` of the order, for outputs lo to hi."""
    trials, inputs, longest = load(table, EPOCH.trials), load(table, EPOCH.inputs), load(table, EPOCH.longest)
    afferents, spikes = int64_at(load(table, EPOCH.afferent)), int64_at(load(table, EPOCH.spikes))
    mems, syns = float64_at(load(table, EPOCH.mem)), float64_at(load(table, EPOCH.syn))
    targets, outputs = float64_at(load(table, EPOCH.target)), load(table, EPOCH.outputs)
    order, constants = int64_at(load(table, EPOCH.order)), float64_at(load(table, EPOCH.constants))
    ratio, scale = load(constants, RATIO), load(constants, SCALE)
    threshold, momentum = load(constants, V_TH) / scale, load(constants, MOMENTUM)
    shunted = load(constants, SHUNT) != 0.0
    output = lo
    while output < hi:
        w = at(float64_at(load(table, EPOCH.w)), output * inputs)
        before = at(float64_at(load(table, EPOCH.before)), output * inputs)
        wrong = int64(0)
        turn = int64(0)
        while turn < trials:
            trial = load(order, step * trials + turn)
            afferent, mem, syn = at(afferents, trial * longest), at(mems, trial * longest), at(syns, trial * longest)
            count = load(spikes, trial)
            enough = threshold if shunted else 1e300
            best, last, left_mem, left_syn = highest(w, afferent, mem, syn, count, ratio, enough)
            fired = 1.0 if best >= threshold else 0.0
            error = load(targets, trial * outputs + output) - fired
            if error != 0.0:
                wrong += 1
                if last < 0:
                    last = load(int64_at(load(table, EPOCH.quiet_spike)), trial)
                    left_mem = load(float64_at(load(table, EPOCH.quiet_mem)), trial)
                    left_syn = load(float64_at(load(table, EPOCH.quiet_syn)), trial)
                i = int64(0)
                while i < inputs:
                    store(before, i, momentum * load(before, i))
                    i += 1
                size = error * load(constants, LR) * scale
                while last >= 0:
                    i = load(afferent, last)
                    store(before, i, load(before, i) + size * (left_mem - left_syn))
                    left_mem, left_syn = left_mem * load(mem, last), left_syn * load(syn, last)
                    last -= 1
                i = int64(0)
                while i < inputs:
                    store(w, i, load(w, i) + load(before, i))
                    i += 1
            turn += 1
        store(int64_at(load(table, EPOCH.wrong)), output, wrong)
        output += 1
