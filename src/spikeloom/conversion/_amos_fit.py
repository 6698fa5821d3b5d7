"""Tables of circuits with at most one spike per neuron: greedily one after the other, then all by gradient descent."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ..errors import ParameterError
from ..surrogate import Triangle
from .amos import AMOSGate

# Of the search, and of the last choice.
_POINTS, _DENSE = 512, 8192
# Further than the inputs on either side, in units of their range, as others will be.
_BEYOND = 0.1
# Of the classifier of one neuron, x from -1 to 1.
_STEPS, _RATE = 60, 0.02
# Joint descent: rate, exponent of the error, and between how many rounds tables are compared.
_JOINT_RATE, _EXPONENT, _EVERY = 2e-3, 6, 10
_REWEIGHTINGS = 4


def fit_amos(
    function: Callable[[Tensor], Tensor], neurons: int, inputs: Tensor, *,
    restarts: int = 16, rounds: int = 60, seed: int = 0,
) -> AMOSGate:  # fmt: skip
    """A circuit of so many neurons whose output approximates function(x) on inputs like these, of any shape.

    Greedily at first: some neurons cut the inputs into parts, and give each part its least value. Of all others, each
    learns as a logistic classifier of x and the neurons before it whether what is missing is more than the rest can
    give; output weights are given, each 1.4 to 2 times the next. Number and place of cuts, and these factors, are
    random, and the best quarter of so many `restarts` learns on as a whole, in so many `rounds` of gradient descent on
    the sixth power of the error, with the triangular surrogate max(0, 1 - |u|), u = (v - v_th) / (|v| + 1). Output
    weights then follow by least squares, reweighted by the error until the largest one counts. Half of the points are
    quantiles of the inputs, half lie evenly from a tenth of their range below to a tenth above.

    Raises: ParameterError.
    Source: Stoeckl and Maass 2020, arXiv 2001.01682, gradient descent with a surrogate on inputs of the layer; Lawson
    1961, thesis, UCLA, the reweighting. The greedy beginning is not from there.

    >>> import torch, spikeloom as sl
    >>> x = torch.linspace(-8.0, 8.0, 500)
    >>> gate = sl.conversion.fit_amos(torch.sigmoid, 8, x)
    >>> bool((gate.value(x) - torch.sigmoid(x)).abs().max() < 0.03)
    True
    """
    x = inputs.detach().flatten().double()
    if neurons < 1 or restarts < 1 or rounds < 0 or not len(x) or not bool(torch.isfinite(x).all()):
        got = f"{neurons} neurons, {len(x)} inputs, restarts = {restarts}, rounds = {rounds}"
        raise ParameterError("fit_amos", expected="neurons, finite inputs and restarts", got=got)
    low, high = float(x.min()), float(x.max())
    low, high = low - _BEYOND * (high - low), high + _BEYOND * (high - low)
    half = max((high - low) / 2, 1e-9)

    def points(count: int) -> _Fit:
        share = torch.linspace(0.0, 1.0, count // 2, dtype=x.dtype)
        chosen = torch.cat([torch.quantile(x[: 1 << 20], share), low + (high - low) * share]).sort().values
        y = function(chosen.to(inputs.dtype)).double().detach()
        return _Fit((chosen - low) / half - 1.0, y, 1.0 / half)

    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        fit, dense = points(_POINTS), points(_DENSE)
        tables = fit.greedy(neurons, restarts, torch.Generator().manual_seed(seed))
        tables = fit.joint(fit.best(tables, max(restarts // 4, 1)), rounds)
    # Between few points there may be inputs for which other neurons fire.
    (w,) = dense.best(tables, 1)
    d = dense.outputs(dense.spikes(w[None]))[1][0]
    # From x between -1 and 1, and a constant, to x itself and a threshold.
    c, v_th = w[:, 0] / half, w[:, 0] * (low / half + 1.0) - w[:, 1]
    return AMOSGate(*(table.to(inputs.dtype) for table in (c, w[:, 2:], v_th, d)))


class _Fit:
    """Tables [restarts, K, 2 + K]: of neuron i what it takes of x, of 1 and of those before it."""

    def __init__(self, x: Tensor, y: Tensor, unit: float) -> None:
        self.x, self.y, self.unit, self.spike = x, y, unit, Triangle(height=1.0)

    def greedy(self, neurons: int, restarts: int, generator: torch.Generator) -> Tensor:
        """Neurons that cut x into parts, then each by what those before it have left."""

        def drawn(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator, dtype=self.y.dtype)

        cuts = torch.randint(neurons, (restarts, 1), generator=generator)
        places, missing = self._parts(cuts, neurons, drawn)
        index = torch.arange(neurons) - cuts
        bits = torch.where(index < 0, 0.0, (1.4 + 0.6 * drawn(restarts, 1)) ** -index.clamp(min=0))
        bits = bits / bits.sum(1, keepdim=True) * missing.amax(1, keepdim=True) * (1 + 0.1 * drawn(restarts, 1))
        tables = self.y.new_zeros(restarts, neurons, 2 + neurons)
        features = torch.stack([self.x, torch.ones_like(self.x)], -1).expand(restarts, -1, -1)
        for i in range(neurons):
            now, rest = bits[:, i : i + 1], bits[:, i + 1 :].sum(1, keepdim=True)
            over = missing - (now + rest) / 2
            # Where both answers can still become right, none is preferred.
            importance = (over.abs() - (rest - now).clamp(min=0.0) / 4).clamp(min=1e-3)
            fine = 0.1 * (now / bits.sum(1, keepdim=True)).clamp(min=0.01)
            w = _classifier(features, over, importance, fine)
            at = torch.zeros_like(w)
            at[:, 0], at[:, 1] = 1.0, -places[:, i]
            w = torch.where(index[:, i : i + 1] < 0, at, w)
            tables[:, i, : 2 + i] = w
            z = ((features * w[:, None]).sum(2) >= 0).to(w.dtype)
            features = torch.cat([features, z[:, :, None]], 2)
            missing = missing - now * z
        return tables

    def _parts(self, cuts: Tensor, neurons: int, drawn: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
        """Where so many neurons cut x, [restarts, K], their weights, and what is left above the least of each part.

        Parts have equal shares of the function's rise and, counted more, of its fall, in which later neurons, which
        fire for larger x, cannot help.
        """
        change = torch.diff(self.y, prepend=self.y[:1])
        falls = 2.0 ** (6.0 * drawn(len(cuts), 1))
        length = torch.where(change < 0, -falls * change, change).cumsum(1)
        # A first cut below all inputs is a constant.
        constant = (drawn(len(cuts), 1) < 0.5).long()
        index = torch.arange(neurons) + (1 - constant) + 0.6 * (drawn(len(cuts), neurons) - 0.5)
        wanted = index / (cuts + 1 - constant) * length[:, -1:]
        at = torch.searchsorted(length, wanted.sort(1).values).clamp(max=len(self.x) - 1)
        at = torch.where((torch.arange(neurons) == 0) & (constant > 0), 0, at)
        part = (torch.arange(len(self.x)) >= at[:, :, None]) & (torch.arange(neurons)[:, None] < cuts[:, :, None])
        part = part.sum(1)
        least = torch.full((len(cuts), neurons + 1), float("inf"), dtype=self.y.dtype)
        least = least.scatter_reduce(1, part, self.y.expand(len(cuts), -1), "amin")
        least[:, 0] = torch.where(constant[:, 0] > 0, least[:, 0], 0.0)
        return self.x[at], self.y - least.gather(1, part)

    def joint(self, tables: Tensor, rounds: int) -> Tensor:
        """All tables together; of each restart the best on its way."""
        best, least = tables, self.outputs(self.spikes(tables))[0]
        w = tables.clone().requires_grad_(True)
        d = self.outputs(self.spikes(tables))[1].requires_grad_(True)
        descent = torch.optim.Adam([w, d], lr=_JOINT_RATE)
        for number in range(rounds):
            error = (self.spikes(w) @ d[:, :, None])[..., 0] - self.y
            loss = (error.pow(_EXPONENT).mean(1) + 1e-30).pow(2 / _EXPONENT).sum()
            descent.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            descent.step()
            if number % _EVERY == _EVERY - 1:
                found = w.detach().clone()
                errors = self.outputs(self.spikes(found))[0]
                best = torch.where((errors < least)[:, None, None], found, best)
                least = torch.minimum(errors, least)
        return best

    def best(self, tables: Tensor, count: int) -> Tensor:
        """Those with the smallest largest error."""
        return tables[self.outputs(self.spikes(tables))[0].argsort()[:count]]

    def spikes(self, tables: Tensor) -> Tensor:
        """Which neurons fire, [restarts, points, K]."""
        z: list[Tensor] = []
        for i in range(tables.shape[1]):
            w = tables[:, i]
            v = w[:, :1] * self.x
            if z:
                v = v + (torch.stack(z, 2) @ w[:, 2 : 2 + i, None])[..., 0]
            z.append(self.spike((v + w[:, 1:2]) / (v.abs() + self.unit)))
        return torch.stack(z, 2)

    @torch.no_grad()
    def outputs(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The largest error with the best output weights, and these."""
        ridge = 1e-5 * torch.eye(z.shape[2], dtype=z.dtype)
        weight = torch.ones_like(z[:, :, :1])
        least, best = torch.full_like(z[:, 0, 0], float("inf")), torch.zeros_like(z[:, 0])
        for _ in range(_REWEIGHTINGS):
            left = (z * weight).transpose(1, 2)
            d = torch.linalg.solve(left @ z + ridge, left @ self.y[:, None])
            error = ((z @ d)[..., 0] - self.y).abs()
            largest = error.amax(1)
            best = torch.where((largest < least)[:, None], d[..., 0], best)
            least = torch.minimum(largest, least)
            weight = weight * (error + 0.02 * largest[:, None])[..., None]
            weight = weight / weight.mean(1, keepdim=True)
        return least, best


def _classifier(features: Tensor, over: Tensor, importance: Tensor, fine: Tensor) -> Tensor:
    """Weights [restarts, features] whose sum is above 0 where `over` is, with 1 for x, to about `fine` in x."""
    wanted, others = over.sign(), features[:, :, 1:]
    # At first by regression: where `over` is about 0, x is the threshold.
    near = 1 / (1 + (over / over.abs().mean(1, keepdim=True) * 8).square())
    left = (others * near[:, :, None]).transpose(1, 2)
    ridge = 1e-4 * torch.eye(others.shape[2], dtype=over.dtype)
    w = -torch.linalg.solve(left @ others + ridge, left @ features[:, :, :1])[..., 0]
    w.requires_grad_(True)
    descent = torch.optim.Adam([w], lr=_RATE)
    for step in range(_STEPS):
        for group in descent.param_groups:
            group["lr"] = _RATE * (1 - step / _STEPS)
        sure = (features[:, :, 0] + (others * w[:, None]).sum(2)) / fine * wanted
        loss = (importance * softplus(-sure)).mean(1).sum()
        descent.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step()
    return torch.cat([torch.ones_like(w[:, :1]), w.detach()], 1)
