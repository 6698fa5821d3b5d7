"""Our neurons and rules beside BindsNET's: its documented formulas, worked out here step by step in plain Python, its
own values (data/bindsnet.json), and ours with the parameters of docs/bindsnet.md.
"""

import json
import math
from pathlib import Path

import pytest
import torch

import spikeloom as sl
from spikeloom import plasticity as sp

REFERENCE = json.loads((Path(__file__).parent / "data" / "bindsnet.json").read_text(encoding="utf-8"))
DRIVE = [n / 1024 for n in REFERENCE["drive_1024ths"]]
NEURONS, SYNAPSES, TRAINS = (REFERENCE[name] for name in ("neurons", "synapses", "trains"))
# Of 400 steps in single precision.
SINGLE = 2e-5


def neuron_by_formula(p, dt, *, decays_in_refractory_period=True):
    """Potentials and steps of spikes: v <- rest + (v - rest) exp(-dt / tc_decay) + x, x lost for refrac after a spike;
    spike where v >= thresh + theta, then v <- reset, theta <- theta + theta_plus.
    """
    v, theta, pause, trace, spikes = p["rest"], 0.0, 0, [], []
    for step, x in enumerate(DRIVE):
        theta *= math.exp(-dt / p.get("tc_theta_decay", 1.0))
        if not pause or decays_in_refractory_period:
            v = p["rest"] + (v - p["rest"]) * math.exp(-dt / p["tc_decay"])
        v += 0.0 if pause else x
        pause = max(pause - 1, 0)
        if v >= p["thresh"] + theta:
            v, theta, pause = p["reset"], theta + p.get("theta_plus", 0.0), round(p["refrac"] / dt)
            spikes.append(step)
        trace.append(v)
    return trace, spikes


def our_neuron(p, dt):
    """The same neuron here."""
    lif = sl.LIF(
        v_rest=p["rest"], v_reset=p["reset"], v_th=p["thresh"], tau_mem=p["tc_decay"], decay_input=False, dt=dt
    )
    if "theta_plus" in p:
        lif = sl.AdaptiveThreshold(lif, beta=p["theta_plus"], tau_adapt=p["tc_theta_decay"])
    return sl.Refractory(lif, t_ref=float(p["refrac"]))


def run(neuron):
    """Potentials and steps of spikes of our neuron."""
    x = torch.tensor(DRIVE, dtype=torch.float64).view(-1, 1, 1)
    with sl.record(neuron, "v") as trace:
        spikes = neuron(x)
    return next(iter(trace.values())).flatten().tolist(), spikes.flatten().nonzero().flatten().tolist()


@pytest.mark.parametrize("case", NEURONS, ids=lambda case: case["model"])
def test_formula_of_neurons_is_theirs(case):
    trace, spikes = neuron_by_formula(case["parameters"], case["dt"])
    assert spikes == case["spikes"]
    assert len(spikes) > 10
    assert trace[::10] == pytest.approx(case["v"], abs=65 * SINGLE)


@pytest.mark.parametrize("case", NEURONS, ids=lambda case: case["model"])
def test_our_neurons_equal_the_formula(case):
    p = case["parameters"]
    # Where the reset is not to rest, theirs decays in the refractory period and ours stands still.
    same = p["reset"] == p["rest"]
    trace, spikes = neuron_by_formula(p, case["dt"], decays_in_refractory_period=same)
    got, fired = run(our_neuron(p, case["dt"]))
    assert fired == spikes
    assert got == pytest.approx(trace, abs=1e-9)
    assert (got[::10] == pytest.approx(case["v"], abs=65 * SINGLE)) == same


def weight_by_formula(case, pre, post, *, same_step):
    """w - nu0 y at a presynaptic and + nu1 x at a postsynaptic spike; traces jump to 1, or by 1 if they are additive.

    With `same_step` spikes read traces that have risen in this step already, as theirs do.
    """
    w, x, y = case["weight"], 0.0, 0.0
    low = -math.inf if case["wmin"] is None else case["wmin"]
    high = math.inf if case["wmax"] is None else case["wmax"]
    for step in range(REFERENCE["steps"]):
        before = x, y = x * math.exp(-1 / case["tc_trace"][0]), y * math.exp(-1 / case["tc_trace"][1])
        x, y = (risen(z, step in train, case["traces_additive"]) for z, train in ((x, pre), (y, post)))
        seen_x, seen_y = (x, y) if same_step else before
        down, up = (w - low, high - w) if case["rule"] == "WeightDependentPostPre" else (1.0, 1.0)
        w += case["nu"][1] * (step in post) * seen_x * up - case["nu"][0] * (step in pre) * seen_y * down
        w = min(max(w, low), high)
    return w


def risen(trace, spike, additive):
    """A trace after a step."""
    return (trace + spike) if additive else (1.0 if spike else trace)


def our_weight(case, pre, post):
    """The same rule here; amplitudes are shares of the range of weights."""
    low, high = (-500.0, 500.0) if case["wmax"] is None else (case["wmin"], case["wmax"])
    depends = case["rule"] == "WeightDependentPostPre"
    scale = 1.0 if depends else 1.0 / (high - low)
    rule = sp.STDP(
        a_minus=scale * case["nu"][0], a_plus=scale * case["nu"][1], w_min=low, w_max=high,
        tau_plus=case["tc_trace"][0], tau_minus=case["tc_trace"][1],
        pairing=sp.AllToAll() if case["traces_additive"] else sp.Nearest(),
        dependence=sp.Multiplicative() if depends else sp.Additive(),
    )  # fmt: skip
    trains = torch.zeros(2, REFERENCE["steps"], 1, 1, dtype=torch.float64)
    trains[0, pre], trains[1, post] = 1.0, 1.0
    first = torch.full((1, 1), case["weight"], dtype=torch.float64)
    return float(sp.learn(rule, first, *trains, causal=False).w)


def named(case):
    """For the list of tests."""
    bounds = f"{case['wmin']} to {case['wmax']}"
    return f"{case['rule']}, additive {case['traces_additive']}, {bounds}, trains {case['trains']}"


@pytest.mark.parametrize("case", SYNAPSES, ids=named)
def test_formula_of_rules_is_theirs(case):
    trains = TRAINS[case["trains"]]
    got = weight_by_formula(case, trains["pre"], trains["post"], same_step=True)
    assert got == pytest.approx(case["final"], abs=SINGLE)


@pytest.mark.parametrize("case", [c for c in SYNAPSES if not TRAINS[c["trains"]]["coincident"]], ids=named)
def test_our_rules_equal_theirs(case):
    trains = TRAINS[case["trains"]]
    got = our_weight(case, trains["pre"], trains["post"])
    assert got == pytest.approx(weight_by_formula(case, trains["pre"], trains["post"], same_step=True), abs=1e-12)
    assert got == pytest.approx(case["final"], abs=SINGLE)


@pytest.mark.parametrize(
    "case", [c for c in SYNAPSES if TRAINS[c["trains"]]["coincident"] and c["wmax"] is None], ids=named
)
def test_spikes_of_one_step(case):
    """There spikes of one step see each other's trace, here they do not."""
    trains = TRAINS[case["trains"]]
    got = our_weight(case, trains["pre"], trains["post"])
    assert got == pytest.approx(weight_by_formula(case, trains["pre"], trains["post"], same_step=False), abs=1e-12)
    if case["traces_additive"]:
        coincident = len(set(trains["pre"]) & set(trains["post"]))
        down, up = case["nu"]
        assert case["final"] - got == pytest.approx(coincident * (up - down), abs=SINGLE)
