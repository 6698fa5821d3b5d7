"""SPAN and PSD: spike times learned by convolving spike trains, so that the delta rule applies to them."""

from __future__ import annotations

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

from .resume_spike_times import correlations, learned


class SPANSpikeTimes(Recipe):
    row, family = "L03", "local learning"
    title = "Spike times by convolved spike trains"
    reference = Reference(
        "Mohemmed, Schliebs, Matsuda and Kasabov",
        2012,
        "SPAN: spike pattern association neuron for learning spatio-temporal spike patterns",
        "International Journal of Neural Systems 22, 1250012",
        doi="10.1142/S0129065712500128",
    )
    claim = (
        "Spike trains that are filtered by a kernel are functions, which the delta rule of Widrow and Hoff can "
        "compare: a neuron so taught answers patterns at given times. PSD filters the input alone."
    )
    shown = (
        "The task of `resume-spike-times`, 400 inputs and five desired times in 400 ms: SPAN on tensors, PSD in the "
        "simulator, correlation of Gaussians of 5 ms. Beside it the inner product of two trains, by convolution and as "
        "the double sum over their spikes. The control is SPAN with targets at other times in each presentation."
    )
    chance, control = "correlation before", "correlation, other times"

    epochs: int = setting(60, "presentations of the pattern", at_least=1)

    quick = Form(
        Bar("correlation", at_least=0.95, why="what ReSuMe's task asks for within 100 presentations"),
        Bar("correlation, PSD", at_least=0.95, why="the same, of the same class of rules"),
        Bar("error of the inner product", at_most=1e-12, why="two ways to write one sum"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"epochs": 100})

    def measure(self, run: Run) -> Figures:
        x, target = sl.datasets.spike_time_task(generator=run.generator)
        w = 0.05 * torch.rand(1, x.shape[2], generator=run.generator)
        rule = sl.plasticity.SPAN(lr=3e-4, tau_mem=20.0)
        taught = rule.train(w, x, target, epochs=self.epochs, seed=run.seed).w
        psd, desired = learned(run, sl.plasticity.PSD(eta=0.03, w_min=-2.0, w_max=2.0), self.epochs)

        def correlation(w: Tensor) -> float:
            return correlations(rule.respond(w, x)[:, 0], target[:, 0]).item()

        return {
            "correlation": correlation(taught),
            "correlation before": correlation(w),
            "correlation, other times": correlation(self.elsewhere(rule, w, x, run)),
            "correlation, PSD": correlations(psd[:, -1:], desired).item(),
            "correlation before, PSD": correlations(psd[:, :1], desired).item(),
            "error of the inner product": self.error(x[:, 0, :8].double()),
        }

    def elsewhere(self, rule: sl.plasticity.SPAN, w: Tensor, x: Tensor, run: Run) -> Tensor:
        """Weights after as many presentations with targets that have nothing to do with each other."""
        filtered = rule.filtered(x)
        for _ in range(self.epochs):
            _, target = sl.datasets.spike_time_task(inputs=1, generator=run.generator)
            w = w + rule.change(w, filtered, target).dw[0]
        return w

    @staticmethod
    def error(trains: Tensor) -> float:
        """Of the inner product by convolution against the double sum, relative."""
        kernel = sl.plasticity.AlphaKernel()
        found = sl.plasticity.inner_product(trains[:, None], trains[:, None], kernel)[0]
        times = [train.nonzero().flatten().double() for train in trains.T]
        summed = torch.stack(
            [torch.stack([kernel.overlap((s[:, None] - t).abs()).sum() for t in times]) for s in times]
        )
        return float((found - summed).abs().max() / summed.max())
