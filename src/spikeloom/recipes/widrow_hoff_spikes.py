"""The delta rule on spikes: in the mean over stationary trains it finds the least-squares solution."""

from __future__ import annotations

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

PATTERNS, STEPS = 64, 200
TRUTH = (0.9, 0.1, 0.5, 0.3, 0.8, 0.05)


class WidrowHoffSpikes(Recipe):
    row, family = "L04", "local learning"
    title = "The delta rule on spikes"
    reference = Reference(
        "Widrow and Hoff", 1960, "Adaptive switching circuits", "IRE WESCON Convention Record 4, 96-104"
    )
    claim = (
        "A linear neuron whose weights change by desired less actual output, times the input, comes to the solution of "
        "least squares."
    )
    shown = (
        "Rates become Poisson trains, the change happens at desired and at actual spikes. 64 patterns of six rates, a "
        "desired rate that is a noisy linear function of them; cosine is that of the weights, as a mean over the last "
        "half of the training, with the solution of least squares. The control has desired spikes only, as a rule of "
        "Hebb with a teacher has."
    )
    chance, control = "cosine of random weights", "cosine, no actual spikes"

    pieces: int = setting(60, "pieces of 200 ms of all patterns", at_least=2)
    eta: float = setting(0.02, "learning rate", at_least=0.0)

    quick = Form(
        Bar("cosine", at_least=0.999, why="the solution but for the noise of spikes"),
        Bar("excess error", at_most=0.05, why="of rates, over that of the solution; the length counts here, too"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"pieces": 200})

    def measure(self, run: Run) -> Figures:
        generator = run.generator
        active = torch.rand(PATTERNS, len(TRUTH), generator=generator) < 0.3
        rates = 0.1 * active.double()
        noise = 0.01 * torch.randn(PATTERNS, generator=generator, dtype=torch.float64)
        desired = (rates @ torch.tensor(TRUTH, dtype=torch.float64) + noise).clamp(min=0)
        solution = torch.linalg.lstsq(rates, desired.unsqueeze(1)).solution[:, 0]

        def cosine(w: Tensor) -> float:
            return float(torch.cosine_similarity(w, solution, dim=0))

        def error(w: Tensor) -> float:
            return float((rates @ w - desired).square().sum())

        w = self.learned(rates, desired, generator, actual=True)
        return {
            "cosine": cosine(w),
            "cosine of random weights": cosine(torch.rand(len(w), generator=generator, dtype=torch.float64)),
            "cosine, no actual spikes": cosine(self.learned(rates, desired, generator, actual=False)),
            "excess error": error(w) / error(solution) - 1.0,
        }

    def learned(self, rates: Tensor, desired: Tensor, generator: torch.Generator, *, actual: bool) -> Tensor:
        """Mean weights of the second half; actual spikes come at the rate that the weights make, apart from inputs."""
        rule = sl.plasticity.WidrowHoff(eta=self.eta, tau=20.0, w_min=-1e3, w_max=1e3)
        w, state, late = torch.zeros(1, rates.shape[1], dtype=torch.float64), None, []
        # Without actual spikes the weights grow on and on, in one direction, which is soon known.
        pieces = self.pieces if actual else max(2, self.pieces // 6)
        for piece in range(pieces):
            teacher, pre = self.drawn(desired.unsqueeze(1), generator), self.drawn(rates, generator)
            post = self.drawn((rates @ w.T).clamp(min=0), generator) if actual else torch.zeros_like(teacher)
            after = sl.plasticity.learn(rule, w, pre, post, signals={"teacher": teacher}, state=state)
            w, state = after.w.mean(0), after.state
            late += [w[0]] if 2 * piece >= pieces else []
        return torch.stack(late).mean(0)

    @staticmethod
    def drawn(rate: Tensor, generator: torch.Generator) -> Tensor:
        return sl.coding.bernoulli(rate, STEPS, generator=generator)
