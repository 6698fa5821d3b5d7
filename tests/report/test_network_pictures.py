"""Pictures of networks show what was recorded, and say what they leave out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import ParameterError
from spikeloom.report.network_raster import nice_bin


def trains(neurons: int, each: int, name: str, seed: int = 1) -> nw.SpikeTrains:
    random = np.random.default_rng(seed)
    return nw.SpikeTrains.of([random.uniform(0.0, 100.0, each) for _ in range(neurons)], stop=100.0, name=name)


def result(*, neurons: int = 20, batch: int = 1) -> nw.Result:
    found = {}
    for number, name in enumerate(("E", "I")):
        own = trains(neurons, 5, name, number)
        runs = np.arange(len(own), dtype=np.int32) % batch
        own = nw.SpikeTrains(own.times, own.neurons, runs, own.recorded, 0.0, 100.0, batch, name)
        values = np.random.default_rng(number).normal(size=(100, 6)).astype(np.float32)
        values = values if batch == 1 else np.stack([values + run for run in range(batch)])
        signal = nw.Signal("v", values, np.arange(1.0, 101.0), np.arange(6), "mV", 1.0)
        found[name] = nw.Recording(name, number, neurons, own, {"v": signal} if name == "E" else {})
    return nw.Result(0.0, 100.0, 0.1, batch, found)


def dots(axes: Any) -> list[Any]:
    return [line for line in axes.lines if line.get_marker() == "."]


def test_the_raster_has_each_spike_in_the_colour_of_its_population() -> None:
    figure = result().plot()
    raster, rates, traces = figure.axes
    e, i = dots(raster)
    assert len(e.get_xdata()) == len(i.get_xdata()) == 100
    assert e.get_color() != i.get_color()
    assert max(e.get_ydata()) < min(i.get_ydata())
    assert [line.get_color() for line in rates.lines] == [e.get_color(), i.get_color()]
    assert raster.get_title(loc="left") == "Spikes of 40 neurons"
    assert traces.get_title(loc="left") == "v of E, 4 of 6 neurons" and traces.get_ylabel() == "v (mV)"
    figure.canvas.draw()


def test_rates_are_in_spikes_per_second() -> None:
    _, rates, _ = result().plot().axes
    width = nice_bin(100.0) * 1e-3
    assert np.sum(rates.lines[0].get_ydata()) * width == pytest.approx(5.0)
    assert rates.get_legend().get_texts()[0].get_text() == "E: 50 spikes/s"


def test_large_rasters_are_thinned_and_say_so() -> None:
    populations = {"E": trains(4000, 1, "E"), "I": trains(100, 1, "I")}
    axes = sl.plot.raster(populations).axes[0]
    e, i = dots(axes)
    assert len(e.get_xdata()) == round(4000 * 1000 / 4100) and len(i.get_xdata()) == round(100 * 1000 / 4100)
    assert axes.get_title(loc="left") == "Spikes of 1,000 of 4,100 neurons"
    assert e.get_rasterized()
    # Few neurons with many spikes.
    axes = sl.plot.raster(trains(100, 1000, "E")).axes[0]
    assert len(dots(axes)[0].get_xdata()) == 20_000
    assert axes.get_title(loc="left") == "Spikes of 20 of 100 neurons"


def test_names_of_small_populations_do_not_overlap() -> None:
    populations = {f"L{k}": trains(n, 1, f"L{k}") for k, n in enumerate((2000, 10, 10, 10, 2000, 10, 10))}
    axes = sl.plot.raster(populations).axes[0]
    heights = np.array([text.xy[1] for text in axes.texts])
    assert (np.diff(heights) <= -0.0599).all() and heights.min() >= 0 and heights.max() <= 1


def test_one_of_several_runs() -> None:
    several = result(batch=2)
    first, second = (several.plot(run=run).axes for run in range(2))
    assert len(dots(first[0])[0].get_xdata()) == 50
    difference = second[2].lines[0].get_ydata() - first[2].lines[0].get_ydata()
    np.testing.assert_allclose(difference, 1.0, rtol=1e-5)
    with pytest.raises(ParameterError, match="0 to 1"):
        several.plot(run=2)


def test_a_spectrum_beside_it() -> None:
    figure = result().plot(spectrum=True, title="a title")
    assert figure.axes[-1].get_xlabel() == "frequency (Hz)"
    figure.canvas.draw()
    assert len(sl.plot.spectrum(result().spikes).axes[0].lines) == 2


def test_nothing_recorded_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"net\.record"):
        nw.Result(0.0, 10.0, 0.1, 1).plot()


def test_silent_populations_can_be_drawn() -> None:
    silent = nw.SpikeTrains.of([[], []], stop=10.0, name="silent")
    figure = nw.Result(0.0, 10.0, 0.1, 1, {"silent": nw.Recording("silent", 0, 2, silent)}).plot()
    figure.canvas.draw()


@pytest.mark.parametrize("weight", [nw.Normal(0.0, 1.0), -2.0, 0.0])
def test_connectivity(weight: Any) -> None:
    net = nw.Network()
    pre, post = net.population(40, sl.CurrentLIF(), name="a"), net.population(30, sl.CurrentLIF(), name="b")
    projection = net.connect(pre, post, nw.FixedInDegree(5), weight=weight, delay=nw.Uniform(1.0, 3.0))
    assert isinstance(projection, nw.Projection)
    figure = sl.plot.connectivity(projection)
    matrix = figure.axes[0].images[0].get_array()
    assert matrix.shape == (40, 30)
    np.testing.assert_allclose(matrix, projection.matrix().toarray(), rtol=1e-5, atol=1e-6)
    assert "150 synapses" in figure.get_suptitle()
    figure.canvas.draw()


def test_large_matrices_are_summed_and_say_so() -> None:
    net = nw.Network()
    cells = net.population(1000, sl.CurrentLIF(), name="a")
    figure = sl.plot.connectivity(net.connect(cells, cells, nw.FixedInDegree(5), weight=2.0))  # type: ignore[arg-type]
    axes = figure.axes[0]
    assert axes.images[0].get_array().shape == (250, 250)
    assert axes.images[0].get_array().sum() == 10_000.0
    assert axes.get_title(loc="left") == "Weights, sums over 4 x 4 neurons"


def test_traces_alone() -> None:
    signal = result()["E"]["v"]
    figure = sl.plot.traces(signal)
    assert len(figure.axes[0].lines) == 4 and figure.axes[0].get_title(loc="left") == "v, 4 of 6 neurons"
