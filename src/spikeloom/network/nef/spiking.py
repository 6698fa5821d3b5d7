"""Ensembles in a network: populations, currents and synapses that encoders and decoders make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import ParameterError, ShapeError, UnknownNameError
from ...neurons import LIF, Refractory
from ...plasticity import Rule as Plasticity
from ...synapses import Exponential, Receptors
from ..devices import DirectCurrent, StepCurrent
from ..network import Network
from ..projection import Projection
from ..result import Result
from ..rules import AllToAll
from .decoders import decode
from .ensemble import Ensemble


class SpikingEnsemble:
    """An ensemble as a population of a network, with exponential synapses.

    `tau_syn` names receptors and their time constants, ms: what arrives through one adds to the vector that the neurons
    stand for, filtered by exp(-t / tau_syn) / tau_syn. `drive` adds to it, too, at once and without a filter.

    Raises: ParameterError where the network's dt is not that of the ensemble.
    Source: Eliasmith and Anderson 2003, "Neural engineering", chapters 4, 6 and 8.

    >>> import spikeloom as sl
    >>> nef = sl.network.nef
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> first, second = (nef.SpikingEnsemble(net, nef.Ensemble(50, seed=k), name=f"{k}") for k in range(2))
    >>> _ = second.receive(first, first.ensemble.solve(lambda x: x**2))
    >>> first.drive([0.8])
    >>> net.record(second.cells)
    >>> bool(abs(second.decode(net.run(300.0, progress=False), tau=50.0)[-1, 0] - 0.64) < 0.1)
    True
    """

    def __init__(
        self, net: Network, ensemble: Ensemble, *, name: str | None = None, tau_syn: Mapping[str, float] | float = 5.0
    ) -> None:
        if abs(net.dt - ensemble.dt) > 1e-9:
            do = f"make the ensemble with dt={net.dt:g}"
            raise ParameterError(
                "dt of the ensemble", expected=f"{net.dt:g} ms, that of the network", got=ensemble.dt, do=do
            )
        self.ensemble = ensemble
        self.tau_syn = dict(tau_syn) if isinstance(tau_syn, Mapping) else {"x": float(tau_syn)}
        synapses: Any = {label: Exponential(tau_syn=tau) for label, tau in self.tau_syn.items()}
        membrane = Receptors(LIF(tau_mem=ensemble.tau_mem), keep_input=True, **synapses)
        self.cells = net.population(ensemble.size, Refractory(membrane, t_ref=ensemble.t_ref), name=name)
        net.connect(DirectCurrent(ensemble.bias.numpy()), self.cells, receptor="i")

    def drive(self, x: Any, times: Any = None) -> None:
        """Add a vector [dimensions], or vectors [k, dimensions] from `times` [k] on, ms; before the first, nothing."""
        vectors = torch.as_tensor(np.asarray(x, dtype=np.float64))
        wanted = f"[{self.ensemble.dimensions}], or [times, {self.ensemble.dimensions}] with times"
        if vectors.dim() != (1 if times is None else 2) or vectors.shape[-1] != self.ensemble.dimensions:
            raise ShapeError(f"vectors that drive {self.cells.name}", expected=wanted, got=list(vectors.shape))
        currents = (vectors @ self._encoders().T).numpy()
        device = DirectCurrent(currents) if times is None else StepCurrent(times, currents)
        self.cells.network.connect(device, self.cells, receptor="i")

    def receive(
        self,
        pre: SpikingEnsemble,
        decoders: Tensor,
        *,
        transform: Tensor | float = 1.0,
        receptor: str = "",
        delay: float | None = None,
        plasticity: Plasticity | None = None,
    ) -> Projection:
        """Synapses through which transform @ decoders @ activities of `pre` adds to this ensemble's vector.

        Their weights are the product of encoders and decoders, gain_i e_i . (T d_j) / radius times 1000 / tau_syn, so
        that a spike/s has the area that the decoders reckon with.
        Shapes: decoders [outputs, size of pre]; transform a number or [dimensions, outputs]; outputs = dimensions
        without one. Raises: ShapeError, UnknownNameError.
        """
        label = receptor or next(iter(self.tau_syn))
        if label not in self.tau_syn:
            raise UnknownNameError(f"receptor of {self.cells.name}", label, self.tau_syn)
        return self._project(pre, decoders, transform, self.tau_syn[label], label, delay, plasticity)

    def teach(
        self, projection: Projection, error: SpikingEnsemble, decoders: Tensor, *, delay: float | None = None
    ) -> Projection:
        """Synapses that bring the error to those of a plastic projection to this ensemble: what `error` stands for.

        The rule has an input `error` and a time constant `tau_error`, as `PES` has.
        """
        learning = projection.learning
        if learning is None or "error" not in learning.rule.inputs:
            got = "none" if learning is None else repr(learning.rule)
            raise ParameterError(
                f"rule of {projection.name}", expected="one with an input 'error', such as PES", got=got
            )
        tau = float(learning.rule.param_values()["tau_error"])
        return self._project(error, decoders, 1.0, tau, learning.receptor("error"), delay, None)

    def decode(self, result: Result, decoders: Tensor | None = None, *, tau: float, every: float = 1.0) -> np.ndarray:
        """What its recorded spikes stand for, [times, outputs]; see `decode` of this module's folder."""
        chosen = self.ensemble.solve() if decoders is None else decoders
        return decode(result.spikes[self.cells.name], chosen, tau=tau, every=every)

    def _encoders(self) -> Tensor:
        """From a vector to currents, [size, dimensions]."""
        own = self.ensemble
        return own.encoders * (own.gain / own.radius).unsqueeze(1)

    def _project(
        self, pre: SpikingEnsemble, decoders: Tensor, transform: Tensor | float, tau: float, receptor: str,
        delay: float | None, plasticity: Plasticity | None,
    ) -> Projection:  # fmt: skip
        if decoders.dim() != 2 or decoders.shape[1] != pre.ensemble.size:
            expected = f"[outputs, {pre.ensemble.size}]"
            raise ShapeError(f"decoders of {pre.cells.name}", expected=expected, got=list(decoders.shape))
        wide = self.ensemble.dimensions
        matrix = (
            transform.double() if isinstance(transform, Tensor) else transform * torch.eye(wide, dtype=torch.float64)
        )
        if matrix.shape != (wide, len(decoders)):
            expected = f"[{wide}, {len(decoders)}]"
            raise ShapeError(f"transform to {self.cells.name}", expected=expected, got=list(matrix.shape))
        weights = 1e3 / tau * (matrix @ decoders.double()).T @ self._encoders().T
        projection: Projection = self.cells.network.connect(
            pre.cells, self.cells, AllToAll(), weight=weights.numpy().ravel(), receptor=receptor, plasticity=plasticity,
            delay=delay,
        )  # fmt: skip
        return projection
