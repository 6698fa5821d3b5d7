"""Restricted Boltzmann machines and deep belief networks, with units whose curve spiking neurons have."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, one_hot

from ..coding import Poisson
from ..errors import ParameterError, ShapeError
from ..neurons import LIF, Neuron, Refractory
from ..neurons.siegert import siegert
from ..nn import Sequential


class Units(ABC):
    """Abstract: the mean of a unit, in [0, 1], given inputs in [0, 1], its weights and bias."""

    # Standard deviation of first weights, and first biases.
    spread: float = 0.05
    rest: float = 0.0

    @abstractmethod
    def mean(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Shapes: x [..., n], weight [m, n], bias [m] -> [..., m]."""


@dataclass(frozen=True)
class LogisticUnits(Units):
    """1 / (1 + exp(-weight x - bias)): those of a Boltzmann machine.

    >>> import torch
    >>> LogisticUnits().mean(torch.ones(1, 2), torch.zeros(3, 2), torch.zeros(3))
    tensor([[0.5000, 0.5000, 0.5000]])
    """

    def mean(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.sigmoid(linear(x, weight, bias))


@dataclass(frozen=True)
class SiegertUnits(Units):
    """Rates of leaky integrate-and-fire neurons under Poisson spikes, all in units of the greatest rate, 1 / t_ref.

    A spike jumps the potential by w = gain t_ref / tau_mem weight, so that mu = gain (weight x + bias) and
    sigma^2 = tau_mem / t_ref w^2 x; a bias is a current without noise. Threshold 1, reset 0. Without noise
    weight x = 1 / gain is just enough for spikes.
    Units: ms. Source: O'Connor, Neil, Liu, Delbruck and Pfeiffer 2013, Front. Neurosci. 7:178, section 2.3; biases and
    the unit of weights are not from the paper.

    >>> import torch
    >>> SiegertUnits().mean(torch.ones(1, 2), torch.full((1, 2), 0.5), torch.zeros(1))
    tensor([[0.4...]])
    """

    tau_mem: float = 10.0
    t_ref: float = 2.0
    gain: float = 5.0

    spread = 0.1
    rest = 0.1

    def __post_init__(self) -> None:
        for name in ("tau_mem", "t_ref", "gain"):
            if not 0.0 < getattr(self, name) < float("inf"):
                expected = "a finite number > 0"
                raise ParameterError(f"SiegertUnits.{name}", expected=expected, got=getattr(self, name))

    @property
    def jump(self) -> float:
        """By which a spike changes the potential, for a weight of 1."""
        return self.gain * self.t_ref / self.tau_mem

    def mean(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        mu = self.gain * linear(x, weight, bias)
        sigma = (self.gain * self.jump * linear(x, weight**2)).clamp(min=1e-12).sqrt()
        return siegert(mu, sigma, tau_mem=self.tau_mem, t_ref=self.t_ref) * (self.t_ref / 1e3)

    def neuron(self, dt: float) -> Neuron:
        """The neurons, whose input in a step is the sum of jumps by its spikes."""
        lif = LIF(tau_mem=self.tau_mem, decay_input=False, dt=dt)
        return Refractory(lif, t_ref=self.t_ref - dt)


class RestrictedBoltzmann(nn.Module):
    """Visible and hidden units, each connected to all of the other kind.

    `learn` follows contrastive divergence. `rounding`, such as the sign, changes weights before they are used, and
    learning goes on with those that are not rounded.
    Raises: ParameterError, ShapeError.
    Source: Hinton 2002, "Training products of experts by minimizing contrastive divergence", Neural Computation 14;
    with chains that go on: Tieleman 2008, ICML.

    >>> import torch
    >>> machine = RestrictedBoltzmann(4, 3, generator=torch.Generator().manual_seed(0))
    >>> machine.learn(torch.eye(4), epochs=2).up(torch.eye(4)).shape
    torch.Size([4, 3])
    """

    def __init__(
        self, visible: int, hidden: int, *, units: Units | None = None, generator: torch.Generator,
        rounding: Callable[[Tensor], Tensor] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        for name, value in (("visible", visible), ("hidden", hidden)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ParameterError(f"{name} of RestrictedBoltzmann", expected="units, 1 or more", got=repr(value))
        self.units = LogisticUnits() if units is None else units
        self.rounding, self.generator = rounding, generator
        self.register_buffer("raw", self.units.spread * torch.randn(hidden, visible, generator=generator))
        self.register_buffer("visible_bias", torch.full((visible,), self.units.rest))
        self.register_buffer("hidden_bias", torch.full((hidden,), self.units.rest))

    raw: Tensor
    visible_bias: Tensor
    hidden_bias: Tensor

    @property
    def weight(self) -> Tensor:
        """As it is used, [hidden, visible]."""
        return self.raw if self.rounding is None else self.rounding(self.raw)

    def up(self, v: Tensor) -> Tensor:
        """Means of the hidden units, [..., hidden]."""
        return self.units.mean(v, self.weight, self.hidden_bias)

    def down(self, h: Tensor) -> Tensor:
        """Means of the visible units, [..., visible]."""
        return self.units.mean(h, self.weight.T, self.visible_bias)

    def forward(self, v: Tensor) -> Tensor:
        """As `up`."""
        return self.up(v)

    def learn(
        self, data: Tensor, *, epochs: int, lr: float = 0.05, batch: int = 50, momentum: float = 0.5,
        decay: float = 2e-4, persistent: bool = False, track: Callable[[Iterable[int]], Iterable[int]] = iter,
    ) -> RestrictedBoltzmann:  # fmt: skip
        """Contrastive divergence, weight += lr (<h v> of data - <h v> after one step of sampling); itself.

        Data [n, visible] in [0, 1] are means of visible units, of which hidden ones are sampled. With `persistent`,
        the second term's chains go on from batch to batch. Raises: ShapeError.
        """
        if data.dim() != 2 or data.shape[1] != self.raw.shape[1]:
            raise ShapeError("data of a Boltzmann machine", expected=["n", self.raw.shape[1]], got=list(data.shape))
        speeds = [torch.zeros_like(x) for x in (self.raw, self.visible_bias, self.hidden_bias)]
        chain = data[:batch]
        for _ in track(range(epochs)):
            for rows in torch.split(torch.randperm(len(data), generator=self.generator), batch):
                v = data[rows]
                h = self.up(v)
                v_free = self.down(self._drawn(self.up(chain) if persistent else h))
                chain = self._drawn(v_free) if persistent else chain
                h_free = self.up(v_free)
                rises = (
                    h.T @ v / len(v) - h_free.T @ v_free / len(v_free) - decay * self.raw,
                    v.mean(0) - v_free.mean(0),
                    h.mean(0) - h_free.mean(0),
                )
                for value, speed, rise in zip(
                    (self.raw, self.visible_bias, self.hidden_bias), speeds, rises, strict=True
                ):
                    speed.mul_(momentum).add_(rise, alpha=lr)
                    value.add_(speed)
        return self

    def _drawn(self, p: Tensor) -> Tensor:
        return (torch.rand(p.shape, generator=self.generator) < p).to(p.dtype)


class DeepBelief(nn.Module):
    """Restricted Boltzmann machines one on another; the last has the labels beside the features below it.

    Called with inputs [n, sizes[0]] in [0, 1], it tells the means of the label units, [n, labels]: up through all
    machines, without labels, and down to the labels. `spiking` makes the neurons that do so.
    Raises: ParameterError, ShapeError.
    Source: Hinton, Osindero and Teh 2006, Neural Computation 18; with Siegert's curve and spikes: O'Connor, Neil, Liu,
    Delbruck and Pfeiffer 2013, Front. Neurosci. 7:178.

    >>> import torch
    >>> net = DeepBelief((4, 6, 5), labels=2, units=SiegertUnits(), generator=torch.Generator().manual_seed(0))
    >>> x = torch.eye(4)
    >>> spikes = net.learn(x, torch.tensor([0, 0, 1, 1]), epochs=2, lr=0.1).spiking(0.5)(net.encode(x, 100.0, 0.5))
    >>> spikes.shape
    torch.Size([200, 4, 2])
    """

    def __init__(
        self, sizes: Sequence[int], labels: int, *, generator: torch.Generator, units: Units | None = None
    ) -> None:
        super().__init__()
        if len(sizes) < 2 or labels < 2:
            got = f"sizes {tuple(sizes)} and {labels} labels"
            raise ParameterError("DeepBelief", expected="two sizes or more, and labels", got=got)
        self.units = LogisticUnits() if units is None else units
        self.labels, self.generator = labels, generator
        pairs = [list(pair) for pair in pairwise(sizes)]
        pairs[-1][0] += labels
        self.machines = nn.ModuleList(
            RestrictedBoltzmann(*pair, units=self.units, generator=generator) for pair in pairs
        )
        self.register_buffer("label_weight", torch.zeros(labels, sizes[-1]))
        self.register_buffer("label_bias", torch.zeros(labels))

    label_weight: Tensor
    label_bias: Tensor

    def learn(
        self, x: Tensor, labels: Tensor, *, epochs: int, lr: float, supervised: int = 30, label_lr: float = 1.0,
        batch: int = 50, persistent: bool = False,
    ) -> DeepBelief:  # fmt: skip
        """Each machine by contrastive divergence, from below; then label weights, which are no longer those of the
        way up, for `supervised` epochs by the delta rule on the means of the last layer. Itself.
        """
        answers = one_hot(labels, self.labels).to(x.dtype)
        *below, top = self.machines
        assert isinstance(top, RestrictedBoltzmann)
        for machine in below:
            assert isinstance(machine, RestrictedBoltzmann)
            x = machine.learn(x, epochs=epochs, lr=lr, batch=batch, persistent=persistent).up(x)
        top.learn(torch.cat([x, answers], 1), epochs=epochs, lr=lr, batch=batch, persistent=persistent)
        features = x.shape[1]
        self.label_weight, self.label_bias = top.weight[:, features:].T.clone(), top.visible_bias[features:].clone()
        h = self.units.mean(x, top.weight[:, :features], top.hidden_bias)
        for _ in range(supervised):
            for rows in torch.split(torch.randperm(len(h), generator=self.generator), batch):
                error = answers[rows] - self.units.mean(h[rows], self.label_weight, self.label_bias)
                self.label_weight += label_lr / len(rows) * error.T @ h[rows]
                self.label_bias += label_lr * error.mean(0)
        return self

    @property
    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Weight and bias of each layer from inputs to labels."""
        *below, top = (machine for machine in self.machines if isinstance(machine, RestrictedBoltzmann))
        features = top.weight.shape[1] - self.labels
        middle = [(machine.weight, machine.hidden_bias) for machine in below]
        return [*middle, (top.weight[:, :features], top.hidden_bias), (self.label_weight, self.label_bias)]

    def forward(self, x: Tensor) -> Tensor:
        """Means of the label units."""
        for weight, bias in self.layers:
            x = self.units.mean(x, weight, bias)
        return x

    def rounded(self, bits: int) -> DeepBelief:
        """A copy whose weights are whole multiples of a step for each layer, of so many bits with sign; biases, too."""
        if bits < 2:
            raise ParameterError("bits of weights", expected="2 or more", got=bits)
        net = copy.deepcopy(self)
        for values in (value for layer in net.layers for value in layer):
            step = values.abs().max().clamp(min=1e-30) / (2 ** (bits - 1) - 1)
            values.copy_((values / step).round() * step)
        return net

    def encode(self, x: Tensor, duration: float, dt: float) -> Tensor:
        """Poisson spikes of rate x / t_ref for so many ms, [T, n, features]."""
        units = self._siegert()
        code = Poisson(round(duration / dt), max_rate=1e3 / units.t_ref, dt=dt)
        spikes: Tensor = code(x, generator=self.generator)
        return spikes

    def spiking(self, dt: float) -> nn.Sequential:
        """The leaky integrate-and-fire neurons that have these means: spikes [T, n, features] to [T, n, labels].

        A mean is a rate times t_ref. `dt` in ms. Raises: ParameterError for units that neurons do not have.
        """
        units = self._siegert()
        parts: list[nn.Module] = []
        for weight, bias in self.layers:
            layer = nn.Linear(weight.shape[1], len(weight))
            layer.weight.data, layer.bias.data = units.jump * weight, units.jump * dt / units.t_ref * bias
            parts += [layer.requires_grad_(False), units.neuron(dt)]
        return Sequential(*parts)

    def _siegert(self) -> SiegertUnits:
        if not isinstance(self.units, SiegertUnits):
            do = "train with units=SiegertUnits()"
            raise ParameterError("units of neurons", expected="SiegertUnits", got=repr(self.units), do=do)
        return self.units
