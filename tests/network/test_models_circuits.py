"""The small circuits do what they are named after, and do not without their mechanism."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from spikeloom.network import models

Values = NDArray[np.float64]


def signal_to_noise(fan_in: int) -> float:
    """Power of the signal in a cell's potential over that of the noise at its frequency, which differs between runs."""
    model = models.FeedForwardExcitation(fan_in=fan_in)
    net = model.build(seed=1, batch=20)
    net.record(net.populations[1], "v", every=10.0)
    net.run(200.0)
    signal = net.run(400.0)["layer"]["v"]
    wave = np.exp(2j * np.pi * model.frequency * 1e-3 * signal.times)
    found = np.einsum("rtc,t->rc", signal.values, wave) / len(wave)
    return float(abs(found.mean()) ** 2 / found.var(axis=0, ddof=1).mean())


def test_signal_to_noise_grows_as_the_fan_in() -> None:
    counts = [4, 16, 64]
    slope = np.polyfit(np.log(counts), np.log([signal_to_noise(n) for n in counts]), 1)[0]
    assert abs(slope - 1.0) < 0.2


def loop(drive: float, feedback: float = 1.0) -> tuple[float, float, float]:
    """Rate of excitatory neurons, frequency of the largest peak of their spectrum above 5 Hz, and its height."""
    net = models.FeedbackInhibition(drive=drive, feedback=feedback).build(seed=1)
    net.run(200.0)
    result = net.run(1000.0)
    count = np.histogram(result["E"].times, bins=np.arange(200.0, 1201.0))[0]
    power = np.abs(np.fft.rfft(count - count.mean())) ** 2
    power = np.convolve(power, np.full(5, 0.2), "same")
    peak = int(power[5:150].argmax()) + 5
    return result.rate("E"), float(peak), float(power[peak] / power[5:].mean())


def test_feedback_inhibition_controls_the_gain() -> None:
    rates = {(drive, on): loop(drive, on)[0] for drive in (2500.0, 4500.0) for on in (0.0, 1.0)}
    slopes = [rates[4500.0, on] - rates[2500.0, on] for on in (0.0, 1.0)]
    assert slopes[1] < 0.5 * slopes[0]
    assert rates[4500.0, 1.0] < 0.5 * rates[4500.0, 0.0]


def test_feedback_inhibition_makes_gamma() -> None:
    _, frequency, height = loop(5000.0)
    assert 30.0 <= frequency <= 80.0
    assert height > 10.0
    # Without inhibition each neuron goes by itself.
    assert loop(5000.0, 0.0)[2] < 5.0


def coincidence_width(inhibition: float) -> float:
    """Milliseconds between the intervals at which half of the cells fire."""
    model = models.FeedForwardInhibition(inhibition=inhibition)
    result = model.build(seed=1).run(model.duration)
    fired = np.zeros(len(model.intervals))
    fired[np.unique(result["cells"].neurons)] = 1
    chance = fired.reshape(-1, model.copies).mean(axis=1)
    assert chance[model.window] == 1
    assert chance[0] == chance[-1] == 0
    return float((chance >= 0.5).sum())


def test_feed_forward_inhibition_narrows_the_window() -> None:
    assert coincidence_width(1.0) < 0.5 * coincidence_width(0.0)


def row_of_rates(**settings: float) -> Values:
    model = models.LateralInhibition(**settings)  # type: ignore[arg-type]
    net = model.build(seed=1)
    net.run(model.settling)
    trains = net.run(model.duration)["row"]
    return np.bincount(trains.neurons, minlength=model.size) / model.duration * 1e3


def test_lateral_inhibition_makes_mach_bands() -> None:
    with_it, without = row_of_rates(), row_of_rates(strength=0.0)
    # Plateaus are half-way between the edges of the ring.
    assert with_it[95:100].mean() < 0.9 * with_it[40:60].mean()
    assert with_it[100:105].mean() > 1.1 * with_it[140:160].mean()
    assert without[95:105] == pytest.approx(np.repeat([without[50], without[150]], 5), rel=0.03)


def test_lateral_inhibition_tells_likenesses_apart() -> None:
    def likeness(strength: float) -> float:
        pair = [row_of_rates(strength=strength, reach=30, centre=centre) for centre in (90.0, 110.0)]
        return float(np.corrcoef(*pair)[0, 1])

    assert likeness(3.0) < 0.5 * likeness(0.0)


@pytest.mark.parametrize("winners", [1, 3, 5])
def test_as_many_win_as_there_are_to_be(winners: int) -> None:
    model = models.WinnerTakeAll(winners=winners)
    net = model.build(seed=winners)
    result = net.run(model.duration)
    largest = np.argsort(-model.current(net))[:winners]
    assert list(result["racers"].neurons) == list(largest)
    assert result["counter"].spikes.times.size == 1


def test_all_spike_without_inhibition() -> None:
    model = models.WinnerTakeAll(winners=3, inhibition=0.0)
    assert len(model.build(seed=3).run(model.duration)["racers"].neurons) == model.size
