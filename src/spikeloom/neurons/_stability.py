"""Whether a time step is short enough for an integrator: its growth at the eigenvalues of the dynamics at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..compile import leaf, partials
from ..errors import ParameterError

if TYPE_CHECKING:
    from .integrators import Integrator
    from .neuron import Neuron

# Growth by rounding alone is no instability.
_ROUNDING = 1e-9


def verify_step(integrator: Integrator, neuron: Neuron) -> None:
    """Raise ParameterError where a mode of `neuron` that decays would grow from step to step.

    What is linear decides, dx/dt = J x near rest without input; dynamics that get faster elsewhere are left to the NaN
    watch.
    """
    if integrator.growth(torch.zeros((), dtype=torch.complex128)) is None:
        return
    if any(torch.as_tensor(value).is_meta for value in neuron.param_values().values()):
        return
    rates, dt = _eigenvalues(neuron)
    if not _unstable(integrator, rates, dt):
        return
    fastest = -1 / float(rates.real.min())
    longest = _longest(integrator, rates, dt)
    raise ParameterError(
        f"dt of {type(neuron).__name__} with {integrator!r}",
        expected=f"at most {longest:.3g} ms, since its fastest time constant at rest is {fastest:.3g} ms",
        got=f"{float(dt.max()):g} ms, at which the integrator is unstable",
        do="choose a smaller dt or integrator=sl.neurons.ExponentialEuler()",
    )


def _unstable(integrator: Integrator, rates: Tensor, dt: Tensor) -> bool:
    growth = integrator.growth(rates * dt)
    assert growth is not None
    return bool(((rates.real < 0) & (growth.abs() > 1 + _ROUNDING)).any())


def _longest(integrator: Integrator, rates: Tensor, dt: Tensor) -> float:
    """The longest stable step, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if _unstable(integrator, rates, middle * dt) else (middle, high)
    return low * float(dt.max())


def _eigenvalues(neuron: Neuron) -> tuple[Tensor, Tensor]:
    """Eigenvalues of the Jacobian at rest, [..., states], and dt, [..., 1]; none for a neuron without derivative."""
    given = {name: torch.as_tensor(v, dtype=torch.float64).detach().cpu() for name, v in neuron.param_values().items()}
    given = dict(zip(given, _aligned(list(given.values())), strict=True))
    shape = torch.broadcast_shapes(*(value.shape for value in given.values()))  # type: ignore[no-untyped-call]
    rest = {
        name: (given[s.rest] if isinstance(s.rest, str) else torch.tensor(s.rest.real, dtype=torch.float64)).expand(
            shape
        )
        for name, s in neuron.states.items()
    }
    silent = {name: torch.zeros(shape, dtype=torch.float64) for name in (*neuron.inputs, *neuron.noises)}
    with torch.enable_grad():
        leaves = {name: leaf(value) for name, value in rest.items() if neuron.states[name].dtype is None}
        others = {name: value for name, value in rest.items() if name not in leaves}
        try:
            slopes = neuron.bind({**given, **silent, **others, **leaves}).slopes()
        except NotImplementedError:
            slopes = {}
        rows = {name: partials(slope, leaves) for name, slope in slopes.items() if name in leaves}
    if not rows:
        return torch.empty(0, dtype=torch.complex128), torch.zeros(0)
    flat = [rows[a].get(b, torch.zeros(())).detach().double().expand(shape) for a in rows for b in rows]
    matrix = torch.stack(flat, dim=-1).view(*shape, len(rows), len(rows))
    return torch.linalg.eigvals(matrix), given["dt"].expand(shape).unsqueeze(-1)


def _aligned(values: list[Tensor]) -> list[Tensor]:
    """Parameters meet along their leading axes."""
    rank = max(value.dim() for value in values)
    return [value.reshape([*value.shape, *[1] * (rank - value.dim())]) for value in values]
