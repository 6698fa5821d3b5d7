"""Leaky integrate-and-fire per step, with its rate of leak as the parameter that learns."""

from __future__ import annotations

from ._per_step import PerStep


class PLIF(PerStep):
    """Parametric LIF, per step: v <- v + rate (v_rest - v + i), rate = 1 / tau.

    With `decay_input=False` the input is added as it is: v <- v + rate (v_rest - v) + i. Spike where v >= v_th; then
    v <- v_reset, or v is lowered by v_th - v_reset with `soft_reset=True`. `learn=("rate",)` is the published
    parametrisation, rate = sigmoid(raw_rate), so that tau > 1 whatever the optimiser does. It is `LIF` with the Euler
    integrator at dt = 1 ms, tau_mem = tau; one step is one time unit and dt has no effect.

    `PLIF(rate=1 - beta, decay_input=False, soft_reset=True)` is the generic neuron v <- beta v + sum w x of Fil and Chu
    2020 with subtraction of the threshold, beta = 0 included.

    Shapes: [T, B, *features] to spikes of the same shape. Units: potential and input in units of v_th.
    Source: Fang et al. 2021, "Incorporating learnable membrane time constant to enhance learning of spiking neural
    networks", ICCV; Fil and Chu 2020, "Minimal spiking neuron for solving multilabel classification tasks", Neural
    Computation 32(7).

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.PLIF(rate=0.5, learn=("rate",))
    >>> neuron(torch.full((5, 1, 1), 1.5)).flatten().detach()
    tensor([0., 1., 0., 1., 0.])
    >>> neuron.raw_rate.item()  # sigmoid(0) = 1/2
    0.0
    """
