"""Feed-forward inhibition: the window in which two inputs add up closes after a few milliseconds."""

from __future__ import annotations

from typing import Any

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Figures, Form, Recipe, Reference, Run, setting


class FeedForwardInhibition(Recipe):
    row, family = "Q03", "circuits"
    title = "Feed-forward inhibition detects coincidences"
    reference = Reference(
        "Pouille and Scanziani",
        2001,
        "Enforcement of temporal fidelity in pyramidal cells by somatic feed-forward inhibition",
        "Science 293, 1159-1163",
        doi="10.1126/science.1060342",
    )
    claim = (
        "Inhibition that an input causes a few milliseconds after its own excitation leaves little time in which "
        "another input can add to it, so that the cell answers to coincident inputs only."
    )
    shown = (
        "A cell gets two input spikes, up to 30 ms apart; width is that of the range of intervals at which half of the "
        "noisy cells fire. The cell and its numbers are ours; the control is the circuit without inhibition."
    )
    chance, control = Absent("a width in ms has none"), "width without inhibition"

    copies: int = setting(50, "cells for each interval", at_least=1)

    quick = Form(
        Bar("width", between=(1.0, 10.0), unit="ms", why="a few milliseconds, and not only exact coincidence"),
        Bar("ratio of widths", at_most=0.5, why="the textbook's motif is to narrow the window to less than half"),
        Bar("answers to coincident spikes", at_least=1.0, why="the window is narrowed, not closed"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"copies": 400})

    def measure(self, run: Run) -> Figures:
        curves = {strength: self.answers(strength, run.seed) for strength in (1.0, 0.0)}
        narrow, wide = (float((curve >= 0.5).sum()) for curve in curves.values())
        run.draw("answers by interval", lambda axes: self.plot(axes, *curves.values()))
        return {
            "width": narrow,
            "width without inhibition": wide,
            "ratio of widths": narrow / wide,
            "answers to coincident spikes": curves[1.0][len(curves[1.0]) // 2],
        }

    def answers(self, strength: float, seed: int) -> np.ndarray:
        """Share of cells that fire, for each interval in ms."""
        model = sl.network.models.FeedForwardInhibition(inhibition=strength, copies=self.copies)
        fired = np.zeros(len(model.intervals))
        fired[model.build(seed=seed).run(model.duration)["cells"].neurons] = 1
        return np.asarray(fired.reshape(-1, self.copies).mean(axis=1))

    @staticmethod
    def plot(axes: Any, with_it: np.ndarray, without: np.ndarray) -> None:
        intervals = np.arange(len(with_it)) - len(with_it) // 2
        axes.plot(intervals, with_it, label="with inhibition")
        axes.plot(intervals, without, label="without")
        axes.set_xlabel("interval, ms")
        axes.set_ylabel("cells that fire")
        axes.legend(frameon=False)
