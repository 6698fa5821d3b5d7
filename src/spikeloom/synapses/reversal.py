"""Conductances: currents that are driven by the distance to a reversal potential."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError
from ..parameters import Declared, Input, Param, Shown
from .synapse import Synapse


class Reversal(Synapse):
    """Abstract: i = conductance() (e_rev - v), into the cell where it lies below the reversal potential.

    nS times mV is pA; uS/cm^2 times mV is nA/cm^2. For a neuron without units the conductance is in units of 1/r.
    """

    needs_potential = True
    shown = Shown(5.0, 200.0, pulses=True)

    e_rev = Param(0.0, "mV", "reversal potential")
    arriving = Input("nS", "weighted spikes of the step", span=(0.0, 2.0))

    def conductance(self) -> Tensor:
        """The conductance."""
        raise NotImplementedError(f"{type(self).__name__} states no conductance(self)")

    def current(self) -> Tensor:
        return self.conductance() * (self.e_rev - self.v)


class Conductance(Reversal):
    """Any synapse that states a current, as a conductance: i = g(t) (e_rev - v), g(t) what was its current.

    Its parameters and states keep their names. In `LIF` the membrane then has the time constant tau_mem / (1 + r g) and
    settles at (v_rest + r g e_rev) / (1 + r g). The dynamics are no longer linear: the neuron wants another integrator
    than `Exact()`, for example `ExponentialEuler()`.

    Shapes: as the neuron's inputs. Units: weights and g in nS (mV, pA), or in units of 1/r for a neuron without units.
    Raises: DTypeError, ParameterError for what is no synapse that states a current.
    Source: Gerstner et al. 2014, "Neuronal dynamics", section 3.1.

    >>> import torch, spikeloom as sl
    >>> lif = sl.LIF(tau_mem=10.0, integrator=sl.neurons.ExponentialEuler())
    >>> inhibition = sl.synapses.Conductance(sl.synapses.Alpha(tau_syn=2.0), e_rev=-1.0)
    >>> neuron = sl.synapses.Receptors(lif, exc=sl.synapses.Exponential(), inh=inhibition)
    >>> neuron(torch.ones(8, 1, 1), 0.2 * torch.ones(8, 1, 1)).flatten()
    tensor([0., 0., 0., 0., 0., 0., 0., 1.])
    """

    def __init__(self, kernel: Synapse, **given: object) -> None:
        if not isinstance(kernel, Synapse):
            do = "for example Conductance(Exponential(), e_rev=-80.0)"
            raise DTypeError("kernel of Conductance", expected="a Synapse", got=repr(kernel), do=do)
        silent = type(kernel).current is Synapse.current and type(kernel).jump is Synapse.jump
        if silent or isinstance(kernel, Reversal):
            expected = "a synapse that states a current of its own"
            raise ParameterError("kernel of Conductance", expected=expected, got=repr(kernel))
        self._kernel = kernel._copy()
        super().__init__(**given)

    @property
    def kernel(self) -> Synapse:
        """The synapse that states the time course, bound to the same values."""
        bound = self.__dict__.get("_bound")
        return self._kernel if bound is None else self._kernel.bind(bound)

    def deliver(self) -> dict[str, Tensor]:
        return self.kernel.deliver()

    def derivative(self) -> dict[str, Tensor]:
        return self.kernel.derivative()

    def conductance(self) -> Tensor:
        return self.kernel.current()

    @property
    def jumps(self) -> bool:
        """As the kernel does."""
        return self._kernel.jumps

    def jump(self) -> Tensor | None:
        area = self.kernel.jump()
        return None if area is None else -torch.expm1(-area) * (self.e_rev - self.v)

    def _parts(self) -> Iterable[tuple[str, Declared]]:
        """The kernel's parameters and states without a prefix."""
        return [("", self._kernel), *super()._parts()]

    def _key_anew(self) -> Hashable:
        return (super()._key_anew(), self._kernel.key())

    def __repr__(self) -> str:
        own = self._described()
        return f"Conductance({self._kernel!r}, {own})" if own else f"Conductance({self._kernel!r})"
