"""Neural sampling: spikes of stochastic neurons sample a Boltzmann distribution."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

# Updates for which a spike counts; runs side by side, and updates of each that are not counted.
TAU, RUNS, SETTLING = 5.0, 200, 100


class BoltzmannSampling(Recipe):
    row, family, title = "A19, L35", "probabilistic", "Neural sampling from a Boltzmann distribution"
    reference = Reference(
        "Jang, Skatchkovsky and Simeone", 2020, "Spiking neural networks, part I: detecting spatial patterns",
        "the sampler: Buesing, Bill, Nessler and Maass 2011, PLoS Computational Biology 7:e1002211; its use: Neftci et "
        "al. 2014, Frontiers in Neuroscience 7:272", arxiv="2010.14208",
    )  # fmt: skip
    claim = (
        "Stochastic neurons with a refractory period, whose potential is the log-odds of their variable given the "
        "others, sample a Boltzmann distribution by which of them spiked lately."
    )
    shown = (
        "Three to six neurons with random symmetric weights, a refractory period of 5 updates, updated one after "
        "another, against all states enumerated. In the control independent neurons have the same means. Neurons that "
        "are all updated at once are beside it."
    )
    chance, control = "distance, uniform", "distance, independent neurons"

    steps: int = setting(200_000, "samples, over 200 runs", at_least=RUNS)

    quick = full = Form(
        Bar("distance, 5 neurons", at_most=0.02, why="the row: total variation after 2e5 steps"),
        Bar("distance, 4 neurons", at_most=0.02, why="the row"),
        Bar("distance, 6 neurons", at_most=0.02, why="the row"),
        Bar("divergence, 3 neurons", at_most=0.01, why="the row; 1.4e-4 in the survey"),
        Bar(
            "lead of 20 over 2 updates, all at once", at_least=0.0, why="the longer a spike counts, the less they clash"
        ),
    )
    smoke = Form(
        Bar("distance, 5 neurons", at_most=0.06, why="a twentieth of the samples, four standard errors"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"steps": 10_000},
    )

    def measure(self, run: Run) -> Figures:
        found: dict[str, float] = {}
        for n in (3, 4, 5, 6):
            w, b = drawn(n, run.generator)
            exact = boltzmann(w, b)
            seen = frequencies(self.sampled(w, b, TAU))
            found[f"distance, {n} neurons"] = distance(seen, exact)
            found[f"divergence, {n} neurons"] = float(torch.special.xlogy(seen, seen / exact).sum())
            if n != 5:
                continue
            means = exact @ states(n)
            apart = torch.where(states(n) > 0, means, 1 - means).prod(1)
            found["distance, independent neurons"] = distance(apart, exact)
            found["distance, uniform"] = distance(torch.full_like(exact, 1 / len(exact)), exact)
            for tau in (2, 20):
                at_once = self.sampled(w, b, float(tau), at_once=True)
                found[f"distance, all at once, {tau} updates"] = distance(frequencies(at_once), exact)
        gained = found["distance, all at once, 2 updates"] - found["distance, all at once, 20 updates"]
        return found | {"lead of 20 over 2 updates, all at once": gained}

    def sampled(self, w: Tensor, b: Tensor, tau: float, *, at_once: bool = False) -> Tensor:
        """Which neurons spiked within tau, [steps, runs, n], after each has had its turn."""
        n, rounds = len(b), self.steps // RUNS + SETTLING
        net = sl.nn.Recurrent(sl.neurons.SamplingNeuron(tau=tau), w.clone()).requires_grad_(False)
        turn = torch.ones(rounds, 1, n) if at_once else torch.eye(n).repeat(rounds, 1)[:, None]
        z: Tensor = net(b.expand(len(turn), RUNS, n).contiguous(), turn=turn)
        return z[SETTLING:] if at_once else z[n - 1 :: n][SETTLING:]


def drawn(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Symmetric weights with standard deviation 0.7 and none to itself, and biases."""
    w = torch.randn(n, n, generator=generator)
    return ((w + w.T) / 2).fill_diagonal_(0.0), 0.5 * torch.randn(n, generator=generator)


def states(n: int) -> Tensor:
    return torch.tensor(list(product((0.0, 1.0), repeat=n)), dtype=torch.float64)


def boltzmann(w: Tensor, b: Tensor) -> Tensor:
    """Probabilities of all states."""
    z = states(len(b))
    return torch.softmax(((z @ w.double()) * z).sum(1) / 2 + z @ b.double(), 0)


def frequencies(z: Tensor) -> Tensor:
    n = z.shape[-1]
    places = z.reshape(-1, n).double() @ 2.0 ** torch.arange(n - 1, -1, -1).double()
    return torch.bincount(places.long(), minlength=2**n).double() / len(places)


def distance(p: Tensor, q: Tensor) -> float:
    """Total variation."""
    return float((p - q).abs().sum() / 2)
