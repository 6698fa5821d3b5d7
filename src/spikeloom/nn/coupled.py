"""A layer whose membrane potentials act on each other, with eigenvalues that stay stable while they learn."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import DTypeError, ParameterError
from ..neurons import IF
from ._stepwise import checked, run


class Coupled(nn.Module):
    """Neurons with coupled potentials: tau_mem du_k/dt = rho_kk u_k + sum_{i != k} rho_ki u_i + x_k.

    u is the distance from v_rest; threshold and reset are those of `neuron`, an `IF`. With the input constant over a
    step the potentials are propagated exactly by the matrix exponential. `coupling` [n, n], whose diagonal does not
    count, and the logarithm `raw_leak` [n] of a positive leak are learned; the diagonal is rho_kk = -(leak_k +
    sum_i |rho_ki|), so that by Gershgorin's theorem every eigenvalue has a real part of at most -min(leak), whatever is
    learned. With coupling 0 and leak 1 it is a layer of `LIF`. It is a plain loop over steps, not one kernel.

    Shapes: [T, B, n] to spikes [T, B, n]. Units: tau_mem in ms. Raises: ShapeError, ParameterError, DTypeError.
    Source: Zhang, Zhang and Zhou 2021, "Bifurcation spiking neural network", J. Mach. Learn. Res. 22 (arXiv
    1909.08341), for the equation; the bound on the eigenvalues and the initial values, uniform within 1 / n, are not
    from there.

    >>> import torch, spikeloom as sl
    >>> layer = sl.nn.Sequential(nn.Linear(4, 3), sl.nn.Coupled(3, tau_mem=2.0))
    >>> layer(torch.rand(8, 1, 4)).shape
    torch.Size([8, 1, 3])
    """

    def __init__(self, units: int, *, tau_mem: float = 20.0, neuron: IF | None = None) -> None:
        super().__init__()
        if units < 1 or not tau_mem > 0:
            raise ParameterError("Coupled", expected="units >= 1 and tau_mem > 0", got=f"{units} and {tau_mem:g}")
        self.neuron = IF() if neuron is None else neuron
        if type(self.neuron) is not IF:
            do = "its threshold and reset are used, the dynamics are the layer's"
            raise DTypeError("neuron of Coupled", expected="an sl.IF", got=repr(neuron), do=do)
        self.tau_mem = tau_mem
        self.coupling = nn.Parameter(torch.empty(units, units).uniform_(-1 / units, 1 / units))
        self.raw_leak = nn.Parameter(torch.zeros(units))

    def matrix(self) -> Tensor:
        """rho [n, n]: row k is what acts on neuron k."""
        others = self.coupling - torch.diag(self.coupling.diagonal())
        return others - torch.diag(self.raw_leak.exp() + others.abs().sum(1))

    def eigenvalues(self) -> Tensor:
        """Those of the dynamics, in 1/ms."""
        values: Tensor = torch.linalg.eigvals(self.matrix().double()) / self.tau_mem
        return values

    def propagators(self, dt: Tensor) -> tuple[Tensor, Tensor]:
        """E = exp(rho dt / tau_mem) and F = integral of exp(rho s / tau_mem) ds / tau_mem from 0 to dt, in float64."""
        rho, n = self.matrix().double(), len(self.raw_leak)
        # exp([[A, I], [0, 0]]) = [[exp(A), F], [0, I]].
        upper = torch.cat([rho, torch.eye(n, dtype=rho.dtype, device=rho.device)], dim=1)
        whole = torch.cat([upper, torch.zeros_like(upper)]) * (dt.to(rho) / self.tau_mem)
        exponential = torch.linalg.matrix_exp(whole)
        return exponential[:n, :n], exponential[:n, n:]

    def forward(self, x: Tensor) -> Tensor:
        """Run from rest."""
        checked(self, x, len(self.raw_leak))
        dt = torch.as_tensor(self.neuron.param_values()["dt"])
        if dt.dim():
            raise ParameterError("dt of Coupled", expected="one number for all neurons", got=list(dt.shape))
        kept, driven = (matrix.to(x.dtype).t() for matrix in self.propagators(dt))

        def coupled(values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
            v_rest, i = values["v_rest"], values["i"]
            return {"v": v_rest + ((values["v"] - v_rest) @ kept + i), "i": torch.zeros_like(i)}

        return run(self.neuron, {"i": x @ driven}, coupled)

    def extra_repr(self) -> str:
        """Size and time constant."""
        return f"{len(self.raw_leak)}, tau_mem={self.tau_mem:g}"
