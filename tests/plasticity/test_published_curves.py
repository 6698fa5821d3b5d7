"""Published curves: the STDP window, voltage clamp and pairing frequency, calcium thresholds, balance, bistability."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl

plasticity = sl.plasticity


def doubles(values: np.ndarray) -> Tensor:
    """[T, B] as spikes or potentials of one neuron per batch element."""
    return torch.as_tensor(np.asarray(values), dtype=torch.float64).unsqueeze(-1)


def learned(rule: plasticity.Rule, pre: np.ndarray, post: np.ndarray, w: float, **given: object) -> np.ndarray:
    """Weights of one synapse in each batch element; pre and post are [T, B]."""
    start = torch.full((pre.shape[1], 1, 1), w, dtype=torch.float64)
    result = plasticity.learn(rule, start, doubles(pre), doubles(post), **given)  # type: ignore[arg-type]
    return result.w[:, 0, 0].numpy()


def pairs(lags: np.ndarray, steps: int = 300, at: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """One pair in each batch element, the postsynaptic spike `lag` ms after the presynaptic one."""
    pre, post = np.zeros((2, steps, len(lags)))
    pre[at] = 1.0
    post[at + lags, np.arange(len(lags))] = 1.0
    return pre, post


def test_window_of_pairs() -> None:
    """The exponential window that every pair-based rule here states."""
    lags = np.array([-80, -40, -10, -1, 1, 10, 40, 80])
    rule = plasticity.STDP(a_plus=0.01, a_minus=0.012, tau_plus=17.0, tau_minus=34.0)
    changes = learned(rule, *pairs(lags), 0.5) - 0.5
    expected = np.where(lags > 0, 0.01 * np.exp(-np.abs(lags) / 17), -0.012 * np.exp(-np.abs(lags) / 34))
    np.testing.assert_allclose(changes, expected, rtol=1e-12)


# Voltage-based STDP.

CLAMPS = np.array([-80.0, -70.6, -60.0, -45.3, -43.55, -30.0, 0.0])


@pytest.mark.parametrize("name", ["visual cortex", "hippocampus"])
def test_clamped_potential(name: str) -> None:
    """Figure 1h: each presynaptic spike changes the weight by g(v); for visual cortex g = 0 at -43.55 mV."""
    rule = plasticity.ClopathSTDP.preset(name, w_min=-10.0, w_max=10.0)
    v = {label: float(value) for label, value in rule.param_values().items()}
    pre = np.zeros((400, len(CLAMPS)))
    pre[[20, 50, 110]] = 1.0
    held = doubles(np.tile(CLAMPS, (400, 1)))
    changes = learned(rule, pre, np.zeros_like(pre), 1.0, variables={"v": held, "v_late": held}) - 1.0
    above = np.maximum(CLAMPS - v["theta_minus"], 0)
    expected = above * (v["a_ltp"] * np.maximum(CLAMPS - v["theta_plus"], 0) - v["a_ltd"])
    # After 290 ms there is 4e-9 of the trace left.
    np.testing.assert_allclose(changes, 3 * expected, atol=1e-7)


def clopath_neuron(post: np.ndarray) -> np.ndarray:
    """The neuron of Clopath et al. with the spike of their program, 1 ms steps: 2 ms clamped, then reset to -49.5 mV.

    Their table prints b = 0.805 pA and no shape of the spike; their program has b = 0.0805 and this one.
    """
    v, adaptation, after, threshold, phase = -70.6, 0.0, 0.0, -50.4, 0
    trace = np.zeros(len(post))
    for t, forced in enumerate(post):
        if phase == 2:
            v, adaptation, after, threshold, phase = -49.5016, adaptation + 0.0805, 400.0, -30.4, 0
        upswing = 60 * math.exp((v - threshold) / 2)
        rise = (-30 * (v + 70.6) + upswing - adaptation + after + 1e6 * forced) / 281
        growth = 0.0 if phase == 1 else (4 * (v + 70.6) - adaptation) / 144
        v, adaptation = v + rise, adaptation + growth
        after, threshold = after - after / 40, threshold + (-50.4 - threshold) / 50
        if phase == 1:
            v, phase = 32.862, 2
        elif v > 20:
            v, phase = 29.4, 1
        trace[t] = v
    return trace


FREQUENCIES = (0.1, 10.0, 20.0, 40.0, 50.0)
# What the authors' program gives in percent of the weight at the beginning (figure 2b is within 2.4 of it).
PROGRAM = {10: (100.0, 102.9, 115.7, 146.3, 165.0), -10: (71.7, 59.6, 60.5, 117.8, 173.6)}


def clopath_pairing(lag: int, late: int) -> np.ndarray:
    """15 groups of five pairs, 10 s apart, or 50 pairs at 0.1 Hz; no bounds, hence one group times their number.

    For post before pre a sixth postsynaptic spike ends each group, as in the authors' program.
    """
    steps, count = 700, len(FREQUENCIES)
    pre, post = np.zeros((2, steps, count))
    for k, f in enumerate(FREQUENCIES):
        for j in range(5 if f > 1 else 1):
            pre[50 + round(1000 * j / f), k] = post[50 + round(1000 * j / f) + lag, k] = 1.0
        if lag < 0 and f > 1:
            post[50 + round(5000 / f) + lag, k] = 1.0
    v = np.stack([clopath_neuron(post[:, k]) for k in range(count)], axis=1)
    shifted = np.concatenate([np.repeat(v[:1], late, axis=0), v[: steps - late]])
    rule = plasticity.ClopathSTDP(w_min=-10.0, w_max=10.0)
    given = {"variables": {"v": doubles(v), "v_late": doubles(shifted)}, "causal": False}
    groups = np.where(np.array(FREQUENCIES) > 1, 15, 50)
    return 100 + 100 * groups * (learned(rule, pre, post, 0.5, **given) - 0.5) / 0.5


@pytest.mark.parametrize("lag", [10, -10])
def test_pairing_of_the_voltage_rule(lag: int) -> None:
    """Figure 2b. Ours: 100.0 102.5 113.8 142.7 160.7 and 74.0 60.1 60.8 116.0 168.9.

    The program's filters and trace are Euler's at 1 ms, ours exponentials; 4 ms are its delay as it counts.
    """
    changes = clopath_pairing(lag, late=4)
    np.testing.assert_allclose(changes, PROGRAM[lag], atol=5.0)
    if lag > 0:
        assert abs(changes[0] - 100) < 0.01, "no change at 0.1 Hz"


def test_pairing_of_another_simulator() -> None:
    """NEST's test of its synapse: 10, 30, 50 Hz, post before pre and pre before post, up to the last presynaptic spike.

    Ours: 60.1 73.8 142.9 101.7 120.3 149.5. NEST has steps of 0.1 ms, ours are the authors' 1 ms.
    """
    expected = (57.8, 72.2, 149.4, 103.3, 124.0, 157.0)
    pre, post = np.zeros((2, 660, 6))
    for k, (lag, f) in enumerate((lag, f) for lag in (-10, 10) for f in (10.0, 30.0, 50.0)):
        times = [round(100 + 1000 * j / f) for j in range(5 if lag < 0 else 6)]
        pre[times, k] = 1.0
        post[[t + lag for t in times if t + lag < times[-1]], k] = 1.0
    v = np.stack([clopath_neuron(post[:, k]) for k in range(6)], axis=1)
    given = {"v": doubles(v), "v_late": doubles(np.concatenate([np.repeat(v[:1], 4, axis=0), v[:-4]]))}
    rule = plasticity.ClopathSTDP(w_min=-10.0, w_max=10.0)
    got = 100 + 1500 * (learned(rule, pre, post, 0.5, variables=given, causal=False) - 0.5) / 0.5
    np.testing.assert_allclose(got, expected, atol=8.0)


def test_filters_that_see_the_spike_potentiate_single_pairs() -> None:
    """Why `v_late` is there."""
    assert clopath_pairing(10, late=0)[0] > 120


def test_a_reset_within_the_step_leaves_no_potentiation() -> None:
    """AdEx of the catalogue has no spike of a width: pairs at 50 Hz only depress, whatever their order."""
    current = torch.zeros(1500, 1, 1, dtype=torch.float64)
    starts = np.arange(200, 1200, 200)
    current[torch.as_tensor((starts[:, None] + np.arange(20)).ravel())] = 10000.0
    neuron = sl.neurons.AdEx(dt=0.1)
    with sl.record(neuron, "v") as record:
        post = neuron(current)
    v = record["v"]
    assert int(post.sum()) >= 5
    pre = np.zeros((1500, 1))
    pre[starts - 80] = 1.0
    rule = plasticity.ClopathSTDP(dt=0.1, every=0.1, w_min=-10.0, w_max=10.0)
    given = {"v": v.double(), "v_late": v.double()}
    shaped = clopath_pairing(10, late=4)[-1] - 100
    changed = 100 * 15 * (learned(rule, pre, post[..., 0].numpy(), 0.5, variables=given)[0] - 0.5) / 0.5
    assert changed < 0.3 * shaped


def test_homeostasis_scales_depression() -> None:
    """Held at v, depression is multiplied by (v - v_rest)^2 / u_ref2."""
    pre = np.zeros((60, 1))
    pre[50] = 1.0
    held = doubles(np.full((60, 1), -50.0))
    plain, scaled = (
        learned(
            plasticity.ClopathSTDP(homeostatic=on),
            pre,
            np.zeros_like(pre),
            0.5,
            variables={"v": held, "v_late": held},
        )[0]
        - 0.5
        for on in (False, True)
    )
    assert plain == pytest.approx(-14e-5 * 20.6, rel=1e-12)
    assert scaled / plain == pytest.approx(20.6**2 / 60, rel=1e-12)


# Calcium.

DELAYS = {"DP": 13.7, "DPD": 4.6, "DPD'": 2.2, "P": 0.0, "D": 0.0, "D'": 0.0}
# The order of depression and potentiation along the lag, which names the cases.
SHAPES = {"DP": "-+", "DPD": "-+-", "DPD'": "-+-", "P": "+", "D": "-", "D'": "-"}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_of_calcium_windows(name: str) -> None:
    """Figure 2: sign of the change by a pair, over lags, with presynaptic calcium late by whole ms."""
    assert f"{DELAYS[name]:g} ms late" in plasticity.CalciumSTDP.presets[name].source
    lags = np.arange(-80, 81, 2)
    pre, post = pairs(lags)
    pre = np.roll(pre, round(DELAYS[name]), axis=0)
    rule = plasticity.CalciumSTDP.preset(name)
    changes = learned(rule, pre, post, 0.5) - 0.5
    # Pairs without interaction, far apart, change a little by each spike alone.
    signs = [("-" if c < 0 else "+") for c in changes if abs(c) > 0.05 * np.abs(changes).max()]
    shape = "".join(s for k, s in enumerate(signs) if k == 0 or s != signs[k - 1])
    assert shape == SHAPES[name]


def calcium_oracle(v: dict[str, float], events: list[tuple[float, float]], end: float, rho: float) -> float:
    """From spike to spike: calcium decays, rho relaxes in closed form for as long as it is above each threshold."""
    calcium = 0.0
    for (t, jump), (until, _) in zip(events, [*events[1:], (end, 0.0)], strict=True):
        calcium, gap = calcium + jump, until - t
        above = {p: min(gap, max(0.0, v["tau_ca"] * math.log(calcium / v[p]))) for p in ("theta_d", "theta_p")}
        both = v["gamma_p"] + v["gamma_d"]
        goal = v["gamma_p"] / both
        rho = goal + (rho - goal) * math.exp(-both * above["theta_p"] / v["tau"])
        rho *= math.exp(-v["gamma_d"] * (above["theta_d"] - above["theta_p"]) / v["tau"])
        calcium *= math.exp(-gap / v["tau_ca"])
    return rho


def test_time_above_thresholds_is_exact() -> None:
    """Against closed forms between the spikes of random trains; the bistable drift, left out there, is below 1e-6."""
    rng = np.random.default_rng(5)
    for name in ("DP", "DPD", "hippocampal cultures"):
        rule = plasticity.CalciumSTDP.preset(name)
        v = {label: float(value) for label, value in rule.param_values().items()}
        pre, post = (rng.random((400, 1)) < 0.03 for _ in range(2))
        pre[-1], post[-1], pre[0] = False, False, False
        pre[1] = True
        jumps = v["c_pre"] * pre[:, 0] + v["c_post"] * post[:, 0]
        events = [(float(t), float(jumps[t])) for t in np.flatnonzero(jumps)]
        expected = calcium_oracle(v, events, 400.0, 0.5)
        got = learned(rule, pre.astype(float), post.astype(float), 0.5)[0]
        assert abs(expected - 0.5) > 1e-3
        drift = 400 / v["tau"] * 0.25 * abs(expected - 0.5)
        assert got == pytest.approx(expected, abs=max(2e-6, drift))


def test_bistable_drift_of_calcium_rule() -> None:
    """Without spikes y = 2 rho - 1 obeys dy/dt = y (1 - y^2) / (4 tau): y^2 / (1 - y^2) grows as exp(t / (2 tau))."""
    rule = plasticity.CalciumSTDP(tau=100.0)
    silent = np.zeros((401, 1))
    for rho in (0.3, 0.7, 0.5):
        y = 2 * rho - 1
        grown = y * y / (1 - y * y) * math.exp(400 / 200)
        expected = 0.5 + 0.5 * math.copysign(math.sqrt(grown / (1 + grown)), y) if y else 0.5
        # Euler's error at dt / tau = 0.01.
        assert learned(rule, silent, silent, rho)[0] == pytest.approx(expected, abs=5e-4)


def test_noise_of_calcium_rule() -> None:
    """Above both thresholds the variance grows by 2 sigma^2 dt / tau per step; below, there is none."""
    given = {"gamma_d": 1e-9, "gamma_p": 1e-9, "sigma": 0.5, "tau": 1e4, "noisy": True}
    rule = plasticity.CalciumSTDP(w_min=-10.0, w_max=11.0, **given)
    steps, count = 11, 4000
    pre = np.zeros((steps, count))
    pre[0] = 20.0
    post = np.tile(np.ones((steps, 1)), (1, count))
    changes = (learned(rule, pre, post, 0.5) - 0.5) / 21
    assert changes.var() == pytest.approx(2 * 0.25 * (steps - 1) / 1e4, rel=0.1)
    silent = np.zeros((steps, 5))
    assert np.ptp(learned(rule, silent, silent, 0.5)) == 0.0


def test_thresholds_in_order() -> None:
    with pytest.raises(sl.errors.ParameterError, match="theta_p >= theta_d"):
        plasticity.CalciumSTDP(theta_p=0.5)


# Inhibition.


def test_window_of_inhibitory_rule_is_symmetric() -> None:
    lags = np.array([-40, -10, -1, 1, 10, 40])
    rule = plasticity.InhibitorySTDP(eta=0.01, rho=5.0)
    changes = learned(rule, *pairs(lags), 0.5) - 0.5
    np.testing.assert_allclose(changes, 0.01 * (np.exp(-np.abs(lags) / 20) - 0.2), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_equilibrium_of_inhibitory_rule(seed: int) -> None:
    """Poisson trains: mean drift 2 eta tau nu_pre (nu_post - rho), zero at the target rate."""
    rng = np.random.default_rng(seed)
    rates, seconds, size = np.array([5.0, 10.0, 15.0]), 2.0, 40
    steps = round(1000 * seconds)
    pre = torch.as_tensor(rng.random((steps, size, size)) < 0.02, dtype=torch.float64)
    post = torch.as_tensor(rng.random((steps, size, 3)) < rates / 1000, dtype=torch.float64)
    rule = plasticity.InhibitorySTDP(eta=1e-3, rho=10.0, w_min=-10.0, w_max=10.0)
    w = plasticity.learn(rule, torch.zeros(3, size, dtype=torch.float64), pre, post).w
    # Of one postsynaptic neuron all synapses share its spikes: means over them are the independent samples.
    means = w.mean(-1).numpy()
    expected = 2 * 1e-3 * 0.02 * 20 * (rates - 10) * seconds
    error = means.std(axis=0) / math.sqrt(size)
    # Traces begin at 0, so of each 20 ms at the beginning are lost: 1 % of what spikes add.
    lost = 2 * 1e-3 * 20 * 0.02 * rates * 0.02
    assert np.all(np.abs(means.mean(0) - expected) < 4 * error + lost)
    assert means.mean(0)[0] < -10 * error[0] and means.mean(0)[2] > 10 * error[2]


# Bistable synapses.


def sdsp_oracle(pre: np.ndarray, post: np.ndarray, v: np.ndarray, x: float) -> float:
    """One synapse, defaults of the paper, step after step."""
    calcium = 0.0
    for t in range(len(pre)):
        calcium *= math.exp(-1 / 60)
        if pre[t]:
            if v[t] > 0.8 and 3 < calcium < 13:
                x += 0.1
            elif v[t] <= 0.8 and 3 < calcium < 4:
                x -= 0.1
            x = min(1.0, max(0.0, x))
        calcium += post[t]
        if t:
            x = min(1.0, max(0.0, x + 0.0035 * (1 if x > 0.5 else -1)))
    return x


def test_spike_driven_rule_against_an_oracle() -> None:
    rng = np.random.default_rng(1)
    size = 24
    pre = (rng.random((300, size)) < 0.1).astype(float)
    post = (rng.random((300, size)) < np.linspace(0.02, 0.3, size)).astype(float)
    v = rng.random((300, size)) * 1.6
    got = learned(plasticity.SDSP(), pre, post, 0.45, variables={"v": doubles(v)}, causal=False)
    expected = [sdsp_oracle(pre[:, k], post[:, k], v[:, k], 0.45) for k in range(size)]
    np.testing.assert_allclose(got, expected, atol=1e-12)
    assert len(np.unique(np.round(got, 6))) > 3


def test_bistability_and_efficacy() -> None:
    """Without spikes X drifts to the end of its side: 0.2 in 57 ms; in between nothing is delivered with `binary`."""
    silent, still = np.zeros((40, 1)), {"v": doubles(np.zeros((40, 1)))}
    rule = plasticity.SDSP()
    assert learned(rule, silent, silent, 0.45, variables=still)[0] == pytest.approx(0.45 - 39 * 0.0035)
    assert learned(rule, silent, silent, 0.55, variables=still)[0] == pytest.approx(0.55 + 39 * 0.0035)
    w = torch.tensor([0.1, 0.45, 0.55, 0.9])
    bounds = {"w_min": torch.tensor(0.0), "w_max": torch.tensor(2.0), "theta_x": torch.tensor(0.5)}
    bound = plasticity.SDSP(w_max=2.0, binary=True).bind({"w": 2 * w, **bounds})
    assert bound.efficacy().tolist() == [0.0, 0.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("spikes", "v", "change"),
    [(2, 1.0, 0), (5, 1.0, 1), (20, 1.0, 0), (2, 0.0, 0), (4, 0.0, -1), (6, 0.0, 0)],
    ids=["too few", "up", "learned", "too few below", "down", "above the window"],
)
def test_learning_stops(spikes: int, v: float, change: int) -> None:
    """Calcium outside of the windows: no jump, whatever the potential."""
    pre, post = np.zeros((2, 60, 1))
    post[30 : 30 + spikes] = 1.0
    pre[30 + spikes] = 1.0
    rule = plasticity.SDSP(alpha=0.0, beta=0.0)
    got = learned(rule, pre, post, 0.5, variables={"v": doubles(np.full((60, 1), v))})[0]
    assert got == pytest.approx(0.5 + 0.1 * change)
