"""Adaptive neurons: closed forms, published recursions and firing patterns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom import neurons
from spikeloom.errors import ParameterError
from spikeloom.neurons import Euler, Exact, ExponentialEuler, Integrator, Neuron, SymplecticEuler

DOUBLE = torch.float64


def constant(steps: int, *currents: float) -> Tensor:
    return torch.tensor(currents, dtype=DOUBLE).expand(steps, 1, len(currents)).contiguous()


def pulses(*parts: tuple[float, float], dt: float = 0.1) -> Tensor:
    """A current that is constant for a while, then another, ..., as pairs of value and duration in ms."""
    return torch.cat([torch.full((round(time / dt),), value, dtype=DOUBLE) for value, time in parts]).view(-1, 1, 1)


def spike_times(neuron: Neuron, x: Tensor, dt: float = 0.1) -> list[np.ndarray]:
    """Of each neuron, the ends of the steps in which it spikes."""
    with torch.no_grad():
        y = neuron(x)
    return [(y[:, 0, k].nonzero().flatten().numpy() + 1) * dt for k in range(y.shape[2])]


def traced(neuron: Neuron, x: Tensor, *names: str) -> dict[str, Tensor]:
    with torch.no_grad(), sl.record(neuron, *names) as trace:
        neuron(x)
    return {name: trace[name][:, 0, 0] for name in names}


# LIF and its leak.


def test_power_spectrum_of_a_leak_is_that_of_a_first_order_filter() -> None:
    """White noise of +1 and -1 into v <- leak v + i, 256 segments of 1024 steps after 2000 steps of start.

    A segment's ends add an error of a few memories, 1 / ((1 - leak) 1024), which is random and averages out over
    segments like 1 / sqrt(256); below 2.5 % in sum for leak = 0.98, measured 1.8 %.
    """
    leaks = torch.tensor([0.5, 0.9, 0.95, 0.98], dtype=DOUBLE)
    x = torch.randint(0, 2, (2000 + 1024, 256, 1), generator=torch.Generator().manual_seed(0)).to(DOUBLE) * 2 - 1
    x = x.expand(-1, -1, 4).contiguous()
    lif = sl.LIF(tau_mem=-1 / torch.log(leaks), v_th=math.inf, decay_input=False)
    with torch.no_grad(), sl.record(lif, "v") as trace:
        lif(x)
    window = torch.hann_window(1024, dtype=DOUBLE).view(-1, 1, 1)
    power = [(torch.fft.rfft(window * s[2000:], dim=0).abs() ** 2).mean(1) for s in (trace["v"], x)]
    ratio = (power[0] / power[1])[8:-8]
    w = torch.arange(8, 513 - 8, dtype=DOUBLE) * (2 * math.pi / 1024)
    exact = (1 - leaks * torch.exp(-1j * w).unsqueeze(1)).abs() ** -2
    assert float((ratio / exact - 1).abs().max()) < 0.025


def test_two_state_lif_of_training_libraries_is_current_lif() -> None:
    """i_syn <- alpha i_syn + x, v <- beta v + i_syn: ExponentialEuler and r = 1 / (1 - beta)."""
    alpha, beta = 0.8, 0.9
    r = 1 / (1 - beta)
    neuron = sl.CurrentLIF(
        tau_syn=-1 / math.log(alpha), tau_mem=-1 / math.log(beta), r=r, soft_reset=True, integrator=ExponentialEuler()
    )
    x = 0.4 * torch.rand(300, 1, 1, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    i_syn = v = 0.0
    wanted = []
    for value in x.flatten().tolist():
        i_syn = alpha * i_syn + value
        v = beta * v + i_syn
        spike = v >= 1
        v -= spike
        wanted.append((v, float(spike)))
    found = traced(neuron, x, "v", "s")
    assert 20 < sum(s for _, s in wanted) < 290
    np.testing.assert_allclose(found["v"], [v for v, _ in wanted], atol=1e-12)
    assert found["s"].tolist() == [s for _, s in wanted]


# Refractoriness.


@pytest.mark.parametrize("t_ref", [0.0, 2.0])
def test_infinite_refractory_period_means_one_spike(t_ref: float) -> None:
    x = constant(2000, 0.5, 1.5, 50.0)
    with torch.no_grad():
        spikes = sl.Refractory(sl.LIF(), t_ref=t_ref, once=True)(x)
    assert spikes.sum(0).flatten().tolist() == [0.0, 1.0, 1.0]
    first = sl.LIF()(x).argmax(0)
    assert torch.equal(spikes.argmax(0), first)


def test_relative_refractory_period_is_a_decaying_threshold() -> None:
    """A huge current fires as soon as 1 + beta exp(-t / tau) <= v, v being at its limit 10 in every step."""
    neuron = sl.AdaptiveThreshold(sl.LIF(tau_mem=0.02, dt=0.01), beta=50.0, tau_adapt=3.0)
    (times,) = spike_times(neuron, constant(100_000, 10.0), dt=0.01)
    # In the steady state a after a spike is 1 / (1 - exp(-T / tau)), so that 50 exp(-T/tau) / (1 - exp(-T/tau)) = 9.
    period = 3.0 * math.log(1 + 50 / 9)
    assert abs(float(np.diff(times)[50:].mean()) - period) < 0.01


# Threshold that follows the potential.


def test_integrator_fires_on_a_slow_ramp_and_differentiator_only_on_a_step() -> None:
    """A ramp of slope k lags: v = k (t - tau_mem) and lift = a k (t - tau_mem - tau_theta) in the limit.

    So v = v_th + lift is met at some time if a < 1; if a >= 1 it is not met where a k tau_theta < v_th.
    """
    slope, tau_mem, tau_theta, a = 0.02, 5.0, 20.0, 0.5
    ramp = slope * torch.arange(1, 2001, dtype=DOUBLE).view(-1, 1, 1) * 0.1
    step = constant(400, 3.0)
    built = [
        neurons.VoltageThreshold(sl.LIF(dt=0.1, tau_mem=tau_mem), a=gain, tau_theta=tau_theta) for gain in (0.0, a, 1.2)
    ]
    on_ramp, on_step = ([spike_times(n, x)[0] for n in built] for x in (ramp, step))
    assert [len(times) > 0 for times in on_ramp] == [True, True, False]
    assert all(len(times) > 0 for times in on_step)
    assert abs(on_ramp[0][0] - (1 / slope + tau_mem)) < 0.2
    # (1 - a) slope (t - tau_mem) + a slope tau_theta = 1, up to exp(-t / tau_theta), here below 1 %.
    wanted = tau_mem + (1 - a * slope * tau_theta) / ((1 - a) * slope)
    assert abs(on_ramp[1][0] - wanted) < 0.01 * wanted


def test_wrappers_of_the_threshold_need_one() -> None:
    for wrapper in (sl.AdaptiveThreshold, neurons.VoltageThreshold):
        with pytest.raises(ParameterError, match=rf"{wrapper.__name__}.*v_th"):
            wrapper(sl.LeakyIntegrator())


# ALIF in the form of long short-term SNNs.


def long_short_term(x: Tensor, alpha: float, rho: float, v_th: float, beta: float, slope: sl.surrogate.Surrogate,
                    normalised: bool) -> tuple[Tensor, Tensor]:  # fmt: skip
    """b <- rho b + (1 - rho) s, theta = v_th + beta b, v <- alpha v + (1 - alpha) x - theta s; theta s detached."""
    v = b = s = torch.zeros_like(x[0])
    potentials, spikes = [], []
    for i in x:
        past = s.detach()
        b = rho * b + (1 - rho) * past
        theta = v_th + beta * b
        v = alpha * v + (1 - alpha) * i - theta * past
        s = slope((v - theta) / theta if normalised else v - theta)
        potentials.append(v)
        spikes.append(s)
    return torch.stack(potentials), torch.stack(spikes)


@pytest.mark.parametrize("name", ["LSNN", "SRNN"])
def test_lagged_alif_is_the_published_recursion(name: str) -> None:
    """Spikes, gradients, and the potential of the steps without a spike."""
    neuron = sl.AdaptiveLIF.preset(name)
    x = 0.15 * torch.rand(400, 2, 5, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    leaves = [x.clone().requires_grad_() for _ in range(2)]
    with sl.record(neuron, "v", "s") as trace:
        neuron(leaves[0])
    alpha, rho = (math.exp(-1 / float(tau)) for tau in (neuron.tau_mem, neuron.tau_adapt))
    v, s = long_short_term(leaves[1], alpha, rho, 0.01, 1.8, neuron.surrogate, neuron.normalised)
    assert 0.01 < float(s.detach().mean()) < 0.5
    assert torch.equal(trace["s"], s)
    silent = s.detach() == 0
    torch.testing.assert_close(trace["v"][silent], v[silent], rtol=0, atol=1e-12)
    weights = torch.linspace(-1, 1, s.numel(), dtype=DOUBLE).view_as(s)
    found, wanted = (
        torch.autograd.grad((y * weights).sum(), leaf)[0] for y, leaf in zip((trace["s"], s), leaves, strict=True)
    )
    assert float(wanted.abs().max()) > 1e-3
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("given", [{}, {"soft_reset": True, "integrator": Euler()}], ids=repr)
def test_lagged_alif_needs_a_soft_reset_and_an_exact_decay(given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="lagged"):
        sl.AdaptiveLIF(lagged=True, **given)


# Gradients like STDP.


def forced(offset: int) -> tuple[Tensor, Tensor]:
    """Input that makes a neuron fire at step 20 only, and a spike that arrives `offset` steps before that."""
    drive, arriving = torch.full((50, 1, 1), 0.03, dtype=DOUBLE), torch.zeros(50, 1, 1, dtype=DOUBLE)
    drive[20], arriving[20 - offset] = 1.0, 1.0
    return drive, arriving


def trace_of(neuron: Neuron, offset: int) -> float:
    """Sum of the e-prop trace of a synapse of weight 0: the derivative of the number of spikes."""
    drive, arriving = forced(offset)
    weight = torch.zeros((), dtype=DOUBLE, requires_grad=True)
    y = neuron(drive + weight * arriving)
    assert y.detach().flatten().nonzero().flatten().tolist() == [20]
    return float(torch.autograd.grad(y.sum(), weight)[0])


def eligibility(offset: int, *, alpha: float, period: int, gamma: float) -> float:
    """The row's own recursion: eps <- alpha (1 - s - r) eps + s_pre, h = -gamma in the refractory period."""
    drive, arriving = (part.flatten().tolist() for part in forced(offset))
    v = eps = total = 0.0
    s = r = rest = 0
    for current, pre in zip(drive, arriving, strict=True):
        v = alpha * v * (1 - s - r) + current
        eps = alpha * (1 - s - r) * eps + pre
        refractory, s = rest > 0, int(v >= 1 and rest == 0)
        total += (-gamma if refractory else gamma * max(0.0, 1 - abs(v - 1))) * eps
        r = int(rest == 1)
        rest = period if s else max(rest - 1, 0)
    return total


def test_stdp_refractory_period_makes_a_late_input_depress() -> None:
    """Positive before the spike; after it positive with an ordinary LIF, negative in the refractory period."""
    alpha, gamma, period = 0.9, 0.3, 5
    lif = sl.LIF(tau_mem=-1 / math.log(alpha), decay_input=False, surrogate=sl.surrogate.Triangle(height=gamma))
    aware = neurons.STDPRefractory(lif, t_ref=float(period))
    for offset in (10, 3, 1, 0, -1, -3, -5, -8):
        wanted = eligibility(offset, alpha=alpha, period=period, gamma=gamma)
        assert trace_of(aware, offset) == pytest.approx(wanted, abs=1e-12)
    assert trace_of(lif, 3) > 0
    assert trace_of(lif, -3) > 0
    assert trace_of(aware, 3) > 0
    assert trace_of(aware, -3) < -0.5


# Sub-threshold adaptation.


def published_adlif(x: Sequence[float], alpha: float, beta: float, a: float, b: float, symplectic: bool) -> np.ndarray:
    """Eq. 6 of Baronig et al.: u, w and spikes of each step."""
    u = w = s = 0.0
    rows = []
    for i in x:
        past_u, past_s = u, s
        u = alpha * u + (1 - alpha) * (i - w)
        s = float(u >= 1)
        u *= 1 - s
        w = beta * w + (1 - beta) * ((a * u + b * s) if symplectic else (a * past_u + b * past_s))
        rows.append((u, w, s))
    return np.array(rows)


def test_symplectic_adlif_is_the_published_recursion() -> None:
    alpha, beta, a, b = 0.85, 0.97, 2.0, 3.0
    x = (4 * torch.rand(600, 1, 1, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)).contiguous()
    wanted = published_adlif(x.flatten().tolist(), alpha, beta, a, b, symplectic=True)
    neuron = neurons.AdLIF(
        tau_mem=-1 / math.log(alpha), tau_w=-1 / math.log(beta), a=a, b=(1 - beta) * b, integrator=SymplecticEuler()
    )
    found = traced(neuron, x, "v", "w", "s")
    assert 20 < wanted[:, 2].sum() < 300
    np.testing.assert_allclose(torch.stack(list(found.values()), 1), wanted, atol=1e-11)


def test_exponential_euler_adlif_is_the_published_recursion_below_threshold() -> None:
    alpha, beta, a = 0.85, 0.97, 2.0
    x = (torch.rand(600, 1, 1, generator=torch.Generator().manual_seed(0), dtype=DOUBLE) - 0.5).contiguous()
    wanted = published_adlif(x.flatten().tolist(), alpha, beta, a, 0.0, symplectic=False)
    given: dict[str, Any] = {"tau_mem": -1 / math.log(alpha), "tau_w": -1 / math.log(beta), "a": a}
    found = traced(neurons.AdLIF(integrator=ExponentialEuler(), **given), x, "v", "w", "s")
    assert wanted[:, 2].sum() == 0
    np.testing.assert_allclose(torch.stack(list(found.values()), 1), wanted, atol=1e-12)


def adlif_matrix(tau_mem: float, tau_w: float, a: float) -> np.ndarray:
    return np.array([[-1 / tau_mem, -1 / tau_mem], [a / tau_w, -1 / tau_w]])


@pytest.mark.parametrize(("integrator", "order"), [(ExponentialEuler(), 1), (SymplecticEuler(), 1), (Euler(), 1)])
def test_order_of_adlif(integrator: Integrator, order: int) -> None:
    """Error of (v, w) after 40 ms of constant current, against the matrix exponential."""
    tau_mem, tau_w, a = 10.0, 40.0, 3.0
    matrix = adlif_matrix(tau_mem, tau_w, a)
    drive = np.array([2.0 / tau_mem, 0.0])
    exact = np.linalg.solve(matrix, (scipy.linalg.expm(matrix * 40) - np.eye(2)) @ drive)
    errors = []
    for steps in (128, 256, 512, 1024):
        neuron = neurons.AdLIF(dt=40 / steps, tau_mem=tau_mem, tau_w=tau_w, a=a, v_th=math.inf, integrator=integrator)
        found = traced(neuron, constant(steps, 2.0), "v", "w")
        errors.append(math.hypot(*(float(found[n][-1]) - e for n, e in zip("vw", exact, strict=True))))
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert abs(slopes[-1] - order) < 0.1


def test_exact_adlif_is_the_matrix_exponential() -> None:
    tau_mem, tau_w, a = 10.0, 40.0, 3.0
    matrix = adlif_matrix(tau_mem, tau_w, a)
    neuron = neurons.AdLIF(dt=0.7, tau_mem=tau_mem, tau_w=tau_w, a=a, v_th=math.inf, integrator=Exact())
    found = traced(neuron, constant(40, 2.0), "v", "w")
    for n in (1, 7, 40):
        exact = np.linalg.solve(matrix, (scipy.linalg.expm(matrix * 0.7 * n) - np.eye(2)) @ [2.0 / tau_mem, 0.0])
        np.testing.assert_allclose([float(found["v"][n - 1]), float(found["w"][n - 1])], exact, atol=1e-11)


def grows(integrator: Integrator, a: float, alpha: float, beta: float) -> bool:
    neuron = neurons.AdLIF(
        tau_mem=-1 / math.log(alpha), tau_w=-1 / math.log(beta), a=a, v_th=math.inf, integrator=integrator
    )
    pulse = torch.zeros(4000, 1, 1, dtype=DOUBLE)
    pulse[0] = 1.0
    v = traced(neuron, pulse, "v")["v"].abs()
    return bool(v[-200:].max() > v[500:700].max())


def test_stability_of_adlif_is_that_of_its_closed_form() -> None:
    """Either side of each own boundary, beyond which it is refused; the exact integrator decays beyond both."""
    alpha, beta = 0.9, 0.95
    euler = (1 - alpha * beta) / ((1 - alpha) * (1 - beta))
    symplectic = (1 + alpha) * (1 + beta) / ((1 - alpha) * (1 - beta))
    assert symplectic > 20 * euler
    assert not grows(ExponentialEuler(), 0.98 * euler, alpha, beta)
    with pytest.raises(ParameterError, match="unstable"):
        grows(ExponentialEuler(), 1.001 * euler, alpha, beta)
    assert not grows(SymplecticEuler(), 1.02 * euler, alpha, beta)
    assert not grows(SymplecticEuler(), 0.999 * symplectic, alpha, beta)
    with pytest.raises(ParameterError, match="unstable"):
        grows(SymplecticEuler(), 1.001 * symplectic, alpha, beta)
    assert not grows(Exact(), 1.1 * symplectic, alpha, beta)


# Multi-timescale adaptive threshold.


def test_mat_spikes_are_those_of_its_closed_form() -> None:
    """v = v_rest + r i (1 - exp(-t / tau_mem)), whatever the spikes, and the threshold is a sum over spikes."""
    for preset in neurons.MAT.presets:
        neuron = neurons.MAT.preset(preset)
        (found,) = spike_times(neuron, constant(5000, 600.0))
        v_th, alpha_1, alpha_2 = (float(getattr(neuron, name)) for name in ("v_th", "alpha_1", "alpha_2"))
        wanted: list[int] = []
        for n in range(1, 5001):
            v = -65 - 30 * math.expm1(-0.1 * n / 5)
            ago = 0.1 * (n - np.array(wanted))
            theta = v_th + float(np.sum(alpha_1 * np.exp(-ago / 10) + alpha_2 * np.exp(-ago / 200)))
            if v >= theta and (not wanted or n - wanted[-1] > 20):
                wanted.append(n)
        np.testing.assert_allclose(found, 0.1 * np.array(wanted), atol=1e-9)


def test_mat_presets_fire_as_their_cells_do() -> None:
    """Intervals at 0.6 nA: RS slows down, IB begins with a burst, FS is fast and even, CH fires in bursts."""
    rs, ib, fs, ch = (
        np.diff(spike_times(neurons.MAT.preset(name), constant(5000, 600.0))[0]) for name in ("RS", "IB", "FS", "CH")
    )
    assert 2 < rs[-1] / rs[0] < 5
    assert 10 < 1000 / rs[-1] < 50
    assert ib[0] < 5
    assert ib[-1] / ib[0] > 5
    assert 1000 / fs[-1] > 150
    assert fs[-5:].std() / fs[-5:].mean() < 0.02
    within, between = ch[ch < 5], ch[ch > 20]
    assert len(within) + len(between) == len(ch)
    assert len(within) > 3 * len(between) > 0


# Mihalas and Niebur.


def mihalas_niebur(preset: str, *parts: tuple[float, float]) -> np.ndarray:
    named = neurons.MihalasNiebur.presets[preset]
    assert parts or (named.drive is not None and named.duration is not None)
    x = pulses(*(parts or ((named.drive, named.duration),)))  # type: ignore[arg-type]
    return spike_times(neurons.MihalasNiebur.preset(preset), x)[0]


def test_mihalas_niebur_patterns_with_constant_input() -> None:
    tonic = np.diff(mihalas_niebur("tonic spiking"))
    # 20 ln(30 / 10) = 21.97 ms, at the end of its step.
    np.testing.assert_allclose(tonic, 22.0, atol=1e-9)
    # 20 ln(1e6 + 1) = 276.3 ms.
    assert mihalas_niebur("class 1")[0] == pytest.approx(276.4, abs=0.1)
    adapting = np.diff(mihalas_niebur("spike frequency adaptation"))
    assert (np.diff(adapting) > 0).all()
    phasic = mihalas_niebur("phasic spiking")
    assert len(phasic) > 0
    assert phasic[-1] < 200
    assert len(mihalas_niebur("hyperpolarization-induced spiking")) >= 3
    bursts = np.diff(mihalas_niebur("tonic bursting"))
    assert len(bursts[bursts > 50]) >= 3
    assert len(bursts[bursts < 20]) > 4 * len(bursts[bursts > 50])
    burst = mihalas_niebur("phasic bursting")
    assert len(burst) > 4
    assert burst[-1] < 60
    mixed = np.diff(mihalas_niebur("mixed mode"))
    assert mixed[0] < 10
    assert mixed[-5:].min() > 30
    below = np.diff(mihalas_niebur("hyperpolarization-induced bursting"))
    assert len(below[below < 5]) > 2 * len(below[below > 50]) > 2


def test_mihalas_niebur_patterns_with_pulses() -> None:
    accommodating = mihalas_niebur("accommodation", (1.5, 100), (0, 500), (0.5, 100), (1, 100), (1.5, 100), (0, 100))
    assert len(accommodating) > 0
    assert accommodating[-1] < 100
    variable = mihalas_niebur("threshold variability", (1.5, 25), (0, 175), (-1.5, 25), (0, 25), (1.5, 25), (0, 125))
    assert len(variable) == 1
    assert variable[0] > 250
    rebound = mihalas_niebur("rebound spike", (0, 50), (-3.5, 750), (0, 200))
    assert len(rebound) == 1
    assert rebound[0] > 800
    assert len(mihalas_niebur("rebound burst", (0, 100), (-3.5, 500), (0, 400))) > 4
    two = ((1.5, 20.0), (0.0, 10.0), (1.5, 20.0), (0.0, 250.0), (1.5, 20.0), (0.0, 40.0), (1.5, 20.0))
    integrating = mihalas_niebur("integrator", *two)
    assert len(integrating) == 1
    assert 30 < integrating[0] < 50
    bistable = mihalas_niebur("input bistability", (1.5, 100), (1.7, 400), (1.5, 100), (1.7, 400))
    assert len(bistable[(bistable > 100) & (bistable < 500)]) > 5
    assert bistable[-1] < 500
    basal = mihalas_niebur("basal bistability", (5, 10), (0, 90), (5, 10), (0, 90))
    assert len(basal[(basal > 15) & (basal < 100)]) > 10
    assert basal[-1] < 130
    preferring = mihalas_niebur("preferred frequency", (5, 5), (0, 5), (4, 5), (0, 385), (5, 5), (0, 45), (4, 5))
    assert [round(float(t)) for t in preferring] == [5, 405, 455]
    late = mihalas_niebur("spike latency", (8, 2), (0, 48))
    assert len(late) == 1
    assert late[0] > 10
    after = traced(neurons.MihalasNiebur.preset("afterpotentials"), pulses((2, 15), (0, 185)), "v")["v"]
    assert float(after[200:].max()) > -65
    assert float(after[200:].min()) < -71


# Generalised LIF.


def test_glif_level_1_is_lif() -> None:
    glif = neurons.GLIF.preset("GLIF1", t_ref=4.0)
    c_mem, g_leak, v_rest, v_th = (float(getattr(glif, name)) for name in ("c_mem", "g_leak", "v_rest", "v_th"))
    lif = sl.LIF(dt=0.1, tau_mem=c_mem / g_leak, r=1 / g_leak, v_rest=v_rest, v_reset=v_rest, v_th=v_th)
    x = 800 * torch.rand(5000, 1, 8, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    with torch.no_grad(), sl.record(glif, "v", "s") as found:
        glif(x)
    neuron = sl.Refractory(lif, t_ref=4.0)
    with torch.no_grad(), sl.record(neuron, "v", "s") as wanted:
        neuron(x)
    assert float(wanted["s"].sum()) > 100
    assert torch.equal(found["s"], wanted["s"])
    torch.testing.assert_close(found["v"], wanted["v"], rtol=0, atol=1e-10)


def glif_oracle(steps: int, current: float, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels 4 and 5 with the matrix exponential over (depolarisation, i_1, i_2, theta_s, theta_v, 1)."""
    c, g, k_1, k_2, b_s, a_v, b_v = 58.72, 9.43, 0.003, 0.1, 0.009, 0.005 * (level == 5), 0.09
    rates = np.zeros((6, 6))
    rates[0] = [-g / c, 1 / c, 1 / c, 0, 0, current / c]
    rates[1, 1], rates[2, 2], rates[3, 3] = -k_1, -k_2, -b_s
    rates[4, 0], rates[4, 4] = a_v, -b_v
    step, pause = scipy.linalg.expm(rates * 0.1), np.exp(-3.8 * np.array([k_1, k_2, b_s]))
    x, rest = np.array([0, 0, 0, 0, 0, 1.0]), 0
    potentials, spikes = [], []
    for _ in range(steps):
        spike = False
        if rest:
            rest -= 1
        else:
            x = step @ x
            spike = x[0] >= 27.17 + x[3] + x[4]
        if spike:
            x[0] = 0.2 * x[0] + 18.51
            x[1:4] = x[1:4] * pause + [-9.18, -198.94, 0.37]
            rest = 38
        potentials.append(x[0] - 78.85)
        spikes.append(float(spike))
    return np.array(potentials), np.array(spikes)


@pytest.mark.parametrize("level", [4, 5])
def test_glif_is_its_equations(level: int) -> None:
    wanted = glif_oracle(5000, 400.0, level)
    found = traced(neurons.GLIF.preset(f"GLIF{level}"), constant(5000, 400.0), "v", "s")
    assert wanted[1].sum() > 10
    assert found["s"].tolist() == wanted[1].tolist()
    np.testing.assert_allclose(found["v"], wanted[0], atol=1e-8)


def test_levels_of_glif_have_their_states_and_adapt() -> None:
    levels = [neurons.GLIF.preset(f"GLIF{level}") for level in range(1, 6)]
    added = [set(neuron.states) - {"v", "remaining"} for neuron in levels]
    currents, rises = {"i_1", "i_2"}, {"theta_s"}
    assert added == [set(), rises, currents, rises | currents, rises | currents | {"theta_v"}]
    counts = [len(spike_times(neuron, constant(10_000, 400.0))[0]) for neuron in levels]
    assert counts[4] < counts[3] < counts[1]
    assert counts[2] < counts[0]
    with pytest.raises(ParameterError, match="GLIF1 to GLIF5"):
        neurons.GLIF(reset_rules=False)


# Generalised integrate-and-fire with escape noise.


def test_gif_rate_is_that_of_its_hazard() -> None:
    """Without adaptation and with a reset to where v stays, intervals are t_ref and geometric.

    Mean interval in steps: t_ref / dt + 1 / (1 - exp(-rho dt)). 400 neurons, some 90 intervals each of 55 ms: standard
    error of the mean 0.5 %, tolerance 2.5 %.
    """
    quiet = dict.fromkeys(("q_eta_1", "q_eta_2", "q_gamma_1", "q_gamma_2"), 0.0)
    gif = neurons.GIF(v_reset=-67.0 + 120.0 / 3.7, **quiet)
    hazard = neurons.ExponentialHazard(rho=0.001, width=1.4)
    neuron = sl.Refractory(neurons.EscapeNoise(gif, hazard=hazard), t_ref=4.0)
    torch.manual_seed(0)
    with torch.no_grad():
        y = neuron(torch.full((60_000, 1, 400), 120.0))[10_000:]
    rate = 0.001 * math.exp((-67.0 + 120.0 / 3.7 + 39.6) / 1.4)
    interval = 40 - 1 / math.expm1(-0.1 * rate)
    assert 0.005 < rate < 0.5
    assert float(y.mean()) == pytest.approx(1 / interval, rel=0.025)


def test_gif_adapts_by_current_and_by_threshold() -> None:
    """Each alone lengthens the intervals; the steady state of gamma_1 after a spike is q / (1 - exp(-T / tau))."""
    (plain,) = spike_times(neurons.GIF(q_eta_1=0.0, q_eta_2=0.0, q_gamma_1=0.0, q_gamma_2=0.0, v_reset=-67.0),
                           constant(20_000, 300.0))  # fmt: skip
    moving = neurons.GIF(q_eta_1=0.0, q_eta_2=0.0, v_reset=-67.0, q_gamma_2=0.0)
    gamma = traced(moving, constant(20_000, 300.0), "gamma_1", "s")
    (by_current,) = spike_times(neurons.GIF(q_gamma_1=0.0, q_gamma_2=0.0, v_reset=-67.0), constant(20_000, 300.0))
    at = gamma["s"].nonzero().flatten()
    assert len(plain) > 1.2 * len(at)
    assert len(plain) > 1.2 * len(by_current)
    period = float(at[-1] - at[-2]) * 0.1
    assert float(gamma["gamma_1"][at[-1]]) == pytest.approx(-11.7 / math.expm1(-period / 53.8), rel=2e-3)
