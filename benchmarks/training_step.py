"""One training step of a fully connected network, 784-512-512-10, each linear layer followed by a LIF neuron.

Bernoulli spikes with p = 0.2, T = 25, batch 128; cross-entropy on the mean output rate; Adam. The neuron is the one of
`contenders.py` with an input that is not decayed.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

import spikeloom as sl
from benchmarks.agreement import DisagreementError
from benchmarks.contenders import OURS, SNNTORCH, SPIKINGJELLY, TAU, installed
from benchmarks.lif import RATIOS
from benchmarks.tables import Result, Row
from benchmarks.timing import interleaved, milliseconds, ratio

SIZES = (784, 512, 512, 10)
STEPS, BATCH, RATE = 25, 128, 0.2
# Products are summed in another order step by step than over all steps at once, so a potential may land on the other
# side of the threshold: one such spike moves the loss by about 1 / (STEPS * BATCH * 10).
LOSS, GRADIENT = 1e-4, 1e-2


def spikeloom_fc() -> nn.Module:
    layers: list[nn.Module] = []
    for width, following in pairwise(SIZES):
        neuron = sl.LIF(tau_mem=TAU, surrogate=sl.surrogate.ATan(), integrator=sl.neurons.Euler(), decay_input=False)
        layers += [nn.Linear(width, following), neuron]
    return sl.nn.Sequential(*layers)


def spikingjelly_fc() -> nn.Module:
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    layers: list[nn.Module] = []
    for width, following in pairwise(SIZES):
        lif = neuron.LIFNode(
            tau=TAU, decay_input=False, surrogate_function=surrogate.ATan(), step_mode="m", detach_reset=True
        )
        layers += [layer.Linear(width, following, step_mode="m"), lif]

    class Network(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            functional.reset_net(self)
            return super().forward(x)

    return Network(*layers)


def snntorch_fc() -> nn.Module:
    import snntorch

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(SIZES))
            self.neurons = nn.ModuleList(
                snntorch.Leaky(beta=1 - 1 / TAU, spike_grad=snntorch.surrogate.atan(), reset_mechanism="zero")
                for _ in self.linears
            )

        def forward(self, x: Tensor) -> Tensor:
            potentials = [neuron.init_leaky() for neuron in self.neurons]
            outputs = []
            for spikes in x.unbind():
                for index, (linear, neuron) in enumerate(zip(self.linears, self.neurons, strict=True)):
                    spikes, potentials[index] = neuron(linear(spikes), potentials[index])
                outputs.append(spikes)
            return torch.stack(outputs)

    return Network()


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    OURS: spikeloom_fc,
    SPIKINGJELLY: spikingjelly_fc,
    SNNTORCH: snntorch_fc,
}


def _same_weights(networks: dict[str, nn.Module]) -> None:
    """Copy the linear layers' weights of the first network into the others."""
    linears = {name: [m for m in net.modules() if isinstance(m, nn.Linear)] for name, net in networks.items()}
    first, *others = linears.values()
    for other in others:
        for source, target in zip(first, other, strict=True):
            target.load_state_dict(source.state_dict())


def _loss(network: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(network(x).mean(dim=0), labels)


def _loss_and_gradient(network: nn.Module, x: Tensor, labels: Tensor) -> tuple[float, Tensor]:
    """The loss and the gradient of the first layer's weights, to which all others lead."""
    network.zero_grad()
    loss = _loss(network, x, labels)
    loss.backward()
    weight = next(module for module in network.modules() if isinstance(module, nn.Linear)).weight
    assert weight.grad is not None
    return loss.item(), weight.grad.clone()


def _agreement(networks: dict[str, nn.Module], x: Tensor, labels: Tensor) -> list[Row]:
    loss, gradient = _loss_and_gradient(networks[OURS], x, labels)
    rows: list[Row] = []
    for name, network in networks.items():
        if name == OURS:
            continue
        loss_other, gradient_other = _loss_and_gradient(network, x, labels)
        loss_error = abs(loss - loss_other) / loss_other
        error = ((gradient - gradient_other).norm() / gradient_other.norm()).item()
        if not (loss_error < LOSS and error < GRADIENT):
            raise DisagreementError(
                f"fc, {OURS} and {name}: expected errors of loss and gradient below {LOSS:g} and {GRADIENT:g}, "
                f"got {loss_error:.2g} and {error:.2g}."
            )
        rows.append({"compared with": name, "loss error": loss_error, "gradient error": error})
    return rows


def _step(network: nn.Module, x: Tensor, labels: Tensor) -> Callable[[], None]:
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step() -> None:
        optimiser.zero_grad()
        _loss(network, x, labels).backward()
        optimiser.step()

    return step


def run(*, repeats: int) -> list[Result]:
    torch.manual_seed(0)
    x = torch.bernoulli(torch.full((STEPS, BATCH, SIZES[0]), RATE))
    labels = torch.randint(SIZES[-1], (BATCH,))
    networks = {name: NETWORKS[name]() for name in installed(list(NETWORKS))}
    _same_weights(networks)
    agreements = _agreement(networks, x, labels)
    times = interleaved({name: _step(network, x, labels) for name, network in networks.items()}, repeats=repeats)
    rows: list[Row] = [
        {"": name, "ms per step": milliseconds(times, name), "×": ratio(times, name, OURS)} for name in times
    ]
    shape = "-".join(map(str, SIZES))
    return [
        Result("Training step: agreement in the first step, same weights", agreements, headline=False),
        Result(f"Training step: {shape}, LIF after each layer, T={STEPS}, batch {BATCH}, Adam", rows, RATIOS),
    ]
