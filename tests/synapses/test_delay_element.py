"""Inhibition followed by excitation as a delay (Nilsson, Liwicki and Sandin 2020), and the spread of devices."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.synapses import DelayElement, Receptors, mismatch

DT = 0.1


def after_a_spike(pair: DelayElement, cell: sl.LIF) -> Tensor:
    """Potential [steps, pairs] after a spike at time 0."""
    params = pair.param_values()
    count = max(torch.as_tensor(value).numel() for value in params.values())
    x = torch.zeros(2000, 1, count, dtype=torch.float64)
    x[0] = 1.0
    with torch.no_grad(), sl.record(neuron := Receptors(cell, pair=pair), "v") as trace:
        neuron(x)
    return trace["v"][:, 0]


@pytest.mark.parametrize("w_inh", [1.5, 2.0, 4.0])
@pytest.mark.parametrize(("tau_exc", "tau_inh"), [(20.0, 5.0), (50.0, 10.0), (30.0, 8.0)])
def test_sign_change_and_maximum_of_the_current(w_inh: float, tau_exc: float, tau_inh: float) -> None:
    """(a) t0 = ln(w_i/w_e) te ti / (te - ti), t* = ln(w_i te / (w_e ti)) te ti / (te - ti), to less than dt."""
    pair = DelayElement(w_exc=1.0, w_inh=w_inh, tau_exc=tau_exc, tau_inh=tau_inh)
    neuron = Receptors(sl.LIF(v_th=math.inf, dt=DT), pair=pair)
    x = torch.zeros(3000, 1, 1, dtype=torch.float64)
    x[0] = 1.0
    with torch.no_grad(), sl.record(neuron, "pair_g_exc", "pair_g_inh") as trace:
        neuron(x)
    i = (trace["pair_g_exc"] - w_inh * trace["pair_g_inh"]).flatten()
    t = DT * torch.arange(1, 3001)
    ratio = tau_exc * tau_inh / (tau_exc - tau_inh)
    assert float(pair.sign_change()) == pytest.approx(math.log(w_inh) * ratio)
    assert float(pair.maximum()) == pytest.approx(math.log(w_inh * tau_exc / tau_inh) * ratio)
    assert abs(float(t[int((i >= 0).double().argmax())]) - float(pair.sign_change())) < DT
    assert abs(float(t[int(i.argmax())]) - float(pair.maximum())) < DT


def pairs(spread: float, seed: int, count: int = 64) -> DelayElement:
    """Devices built for one delay: 15 % mismatch in every weight and time constant."""
    generator = torch.Generator().manual_seed(seed)
    built = {"w_exc": 1.0, "w_inh": 4.0, "tau_exc": 50.0, "tau_inh": 10.0}
    return DelayElement(**{name: mismatch(v, spread, count, generator=generator).double() for name, v in built.items()})


@pytest.mark.parametrize("seed", range(3))
def test_mismatch_spreads_the_delays(seed: int) -> None:
    """(b) 64 pairs at 15 %: the times of the peaks of their potentials have a standard deviation of 5 to 15 ms."""
    cell = sl.LIF(tau_mem=10.0, v_th=math.inf, dt=DT)
    peaks = DT * (after_a_spike(pairs(0.15, seed), cell).argmax(0).double() + 1)
    assert 5 < float(peaks.std()) < 15
    assert float((DT * after_a_spike(pairs(0.0, seed), cell).argmax(0).double()).std()) < 1e-9


def test_pairs_chosen_for_their_delays_select_a_pattern() -> None:
    """(c) Two pairs whose peaks are 15 ms apart make a neuron that fires for spikes 15 ms apart.

    Not for 0 and 30 ms and the reversed order; the tuning curve has one peak.
    """
    cell = sl.LIF(tau_mem=10.0, v_th=math.inf, dt=DT)
    devices = pairs(0.15, 0)
    v = after_a_spike(devices, cell)
    peaks, heights = DT * (v.argmax(0).double() + 1), v.max(0).values
    # The first input goes through the later pair.
    gap = (peaks[:, None] - peaks[None, :] - 15.0).abs() + 100 * (heights[:, None] / heights[None, :] - 1).abs()
    late, early = divmod(int(gap.argmin()), 64)
    assert abs(float(peaks[late] - peaks[early]) - 15) < 2

    def chosen(k: int) -> DelayElement:
        return DelayElement(**{name: float(value[k]) for name, value in devices.param_values().items()})

    delays = torch.arange(-30.0, 61.0, 3.0)
    x = torch.zeros(2, round(250 / DT), 1, len(delays), dtype=torch.float64)
    x[0, round(50 / DT)] = 1.0
    for k, delay in enumerate(delays):
        x[1, round((50 + float(delay)) / DT), 0, k] = 1.0
    silent = Receptors(cell, first=chosen(late), second=chosen(early))
    with torch.no_grad(), sl.record(silent, "v") as trace:
        silent(*x)
    summed = trace["v"][:, 0].max(0).values
    best = float(summed.max())
    assert abs(float(delays[int(summed.argmax())]) - 15) <= 6
    # One peak: it rises up to there, and falls from there.
    rises = (summed.diff() > 0).int().tolist()
    assert rises == sorted(rises, reverse=True)
    others = max(float(summed[delays == d]) for d in (-30.0, -15.0, 0.0, 30.0))
    assert others < 0.995 * best
    tuned = Receptors(sl.LIF(tau_mem=10.0, v_th=(best + others) / 2, dt=DT), first=chosen(late), second=chosen(early))
    with torch.no_grad():
        fired = tuned(*x)[:, 0].sum(0)
    assert float(fired[delays == 15.0]) >= 1
    assert all(float(fired[delays == d]) == 0 for d in (-30.0, -15.0, 0.0, 30.0))


@pytest.mark.parametrize("spread", [0.05, 0.15, 0.5])
def test_mismatch_is_lognormal_with_the_mean_asked_for(spread: float) -> None:
    values = mismatch(20.0, spread, 200_000, generator=torch.Generator().manual_seed(0)).double()
    assert (values > 0).all()
    assert float(values.mean()) == pytest.approx(20.0, rel=5 * spread / math.sqrt(200_000))
    assert float(values.std() / values.mean()) == pytest.approx(spread, rel=0.02)
    logs = values.log()
    skew = float(((logs - logs.mean()) / logs.std()).pow(3).mean())
    assert abs(skew) < 5 * math.sqrt(6 / 200_000)


def test_a_mismatch_that_cannot_be_is_refused() -> None:
    for value, spread in ((0.0, 0.1), (-1.0, 0.1), (math.nan, 0.1), (1.0, -0.1), (1.0, math.nan)):
        with pytest.raises(ParameterError, match="mismatch"):
            mismatch(value, spread, 3)
