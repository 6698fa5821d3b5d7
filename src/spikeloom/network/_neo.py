"""Results as objects of Neo, which Elephant and other tools of electrophysiology work on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._optional import optional

if TYPE_CHECKING:
    from .result import Result


def segment_of(result: Result, run: int) -> Any:
    """A segment with the spike trains and signals of one run."""
    neo = optional("neo")
    segment = neo.Segment(name=f"run {run}")
    for name, recording in result.recordings.items():
        if recording.trains is not None:
            trains = recording.trains
            bounds = {"t_start": trains.start, "t_stop": trains.stop, "units": "ms"}
            for neuron, times in zip(trains.recorded, trains.trains(run), strict=True):
                about = {"population": name, "neuron": int(neuron)}
                segment.spiketrains.append(neo.SpikeTrain(times, name=f"{name} {neuron}", **bounds, **about))
        for signal in recording.signals.values():
            pq = optional("quantities")
            analog = neo.AnalogSignal(
                signal.run(run), units=_unit(pq, signal.unit), sampling_period=signal.every * pq.ms,
                t_start=(signal.times[0] if len(signal.times) else result.start) * pq.ms,
                name=f"{name} {signal.name}", population=name, array_annotations={"neuron": signal.neurons},
            )  # fmt: skip
            segment.analogsignals.append(analog)
    return segment


def _unit(pq: Any, unit: str) -> Any:
    """A unit of the catalogue's as one of `quantities`."""
    return pq.Quantity(1.0, "dimensionless" if unit == "1" else unit.replace("^", "**"))
