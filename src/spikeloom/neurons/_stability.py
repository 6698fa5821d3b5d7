"""Whether a time step is short enough for an integrator: what it makes of the dynamics at rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..compile import leaf, partials
from ..errors import ParameterError, TraceError

if TYPE_CHECKING:
    from .integrators import Integrator
    from .neuron import Neuron

# Growth by rounding alone is no instability.
_ROUNDING = 1e-9


def verify_step(integrator: Integrator, neuron: Neuron) -> None:
    """Raise ParameterError where `neuron` would grow from step to step although its dynamics decay.

    What is linear decides, dx/dt = J x near rest without input: the integrator's growth at each eigenvalue of J, or,
    where it is not a function of those, the eigenvalues of its step. Dynamics that get faster away from rest are left
    to the NaN watch.
    """
    if any(torch.as_tensor(value).is_meta for value in neuron.param_values().values()):
        return
    at_rest = _AtRest(integrator, neuron)
    if not at_rest.unstable(1.0):
        return
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if at_rest.unstable(middle) else (middle, high)
    dt, fastest = float(at_rest.dt.max()), -1 / float(at_rest.rates.real.min())
    raise ParameterError(
        f"dt of {type(neuron).__name__} with {integrator!r}",
        expected=f"at most {low * dt:.3g} ms, since its fastest time constant at rest is {fastest:.3g} ms",
        got=f"{dt:g} ms, at which the integrator is unstable",
        do="choose a smaller dt or another integrator: docs/integrators.md",
    )


class _AtRest:
    """An unbound neuron at rest without input."""

    def __init__(self, integrator: Integrator, neuron: Neuron) -> None:
        self.integrator, self.neuron = integrator, neuron
        params = neuron.param_values()
        values = _aligned([torch.as_tensor(v, dtype=torch.float64).detach().cpu() for v in params.values()])
        self.given = dict(zip(params, values, strict=True))
        shape = torch.broadcast_shapes(*(value.shape for value in values))  # type: ignore[no-untyped-call]
        self.dt = self.given["dt"].expand(shape)
        self.rest: dict[str, Tensor] = {}
        for name, state in neuron.states.items():
            rest = self.given[state.rest] if isinstance(state.rest, str) else torch.tensor(state.rest.real)
            self.rest[name] = rest.double().expand(shape)
        self.given |= {n: torch.zeros(shape, dtype=torch.float64) for n in (*neuron.inputs, *neuron.noises)}
        self.rates = self._eigenvalues(lambda bound: bound.slopes(), self.dt)

    def unstable(self, factor: float) -> bool:
        """Whether something that decays grows with steps of `factor` times dt."""
        dt = factor * self.dt
        growth = self.integrator.growth(self.rates * dt.unsqueeze(-1))
        if growth is not None:
            return bool(((self.rates.real < 0) & (growth.abs() > 1 + _ROUNDING)).any())
        decaying = (self.rates.real < 0).all(-1, keepdim=True)
        growth = self._eigenvalues(self.integrator.advance, dt)
        return bool((decaying & (growth.abs() > 1 + _ROUNDING)).any())

    def _eigenvalues(self, function: Callable[[Neuron], dict[str, Tensor]], dt: Tensor) -> Tensor:
        """Of the derivative of a function of the states, [..., states]; none for a neuron without derivative."""
        real = [name for name, state in self.neuron.states.items() if state.dtype is None]
        with torch.enable_grad():
            leaves = {name: leaf(self.rest[name]) for name in real}
            try:
                found = function(self.neuron.bind({**self.given, **self.rest, **leaves, "dt": dt}))
            except (NotImplementedError, TraceError):
                found = {}  # without a derivative, or with one that the first call refuses
            rows = {name: partials(value, leaves) for name, value in found.items() if name in leaves}
        if not rows:
            return torch.zeros(*dt.shape, 0, dtype=torch.complex128)
        zero = torch.zeros((), dtype=torch.float64)
        flat = [rows[a].get(b, zero).detach().double().expand(dt.shape) for a in rows for b in rows]
        eigenvalues: Tensor = torch.linalg.eigvals(torch.stack(flat, dim=-1).view(*dt.shape, len(rows), len(rows)))
        return eigenvalues


def _aligned(values: list[Tensor]) -> list[Tensor]:
    """Parameters meet along their leading axes."""
    rank = max(value.dim() for value in values)
    return [value.reshape([*value.shape, *[1] * (rank - value.dim())]) for value in values]
