"""PyNN's standard cells as neurons of the catalogue.

Units are PyNN's own throughout: ms, mV, nF, uS, nA and MOhm fit together as pF, nS, pA and GOhm do.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from pyNN.standardmodels import build_translations, cells

from ..neurons import LIF as Membrane
from ..neurons import AdEx, Euler, Exact, Neuron, Refractory, RungeKutta4, Substeps, TraubMiles
from ..neurons import Izhikevich as Quadratic
from ..synapses import Alpha, Conductance, Delta, Exponential, Receptors, Synapse

# Parameters of a population by PyNN's names: a number where all cells have the same, or [n].
Values = Mapping[str, Any]


def unchanged(standard: Any) -> dict[str, dict[str, Any]]:
    """Translations of a standard model whose parameters are kept as PyNN has them."""
    found: dict[str, dict[str, Any]] = build_translations(*((name, name) for name in standard.default_parameters))
    return found


def given(values: dict[str, Any]) -> dict[str, Any]:
    """As a constructor takes them: numbers, or tensors with one for each cell."""
    return {k: float(v) if np.ndim(v) == 0 else torch.as_tensor(np.asarray(v, dtype=float)) for k, v in values.items()}


class Cell:
    """What a standard cell is made of here."""

    # State variables by PyNN's names, and the inputs of receptor types.
    variables: ClassVar[Mapping[str, str]]
    inputs: ClassVar[Mapping[str, str]] = {"excitatory": "exc", "inhibitory": "inh"}
    # Input of the neuron per nA.
    per_nanoampere: ClassVar[float] = 1.0

    def build(self, values: Values, dt: float) -> Neuron:
        """The neuron with these parameters."""
        raise NotImplementedError


def refractory(neuron: Neuron, t_ref: Any, dt: float) -> Neuron:
    """With a refractory period of whole steps."""
    whole = np.round(np.rint(np.asarray(t_ref) / dt) * dt, 9)
    if not np.allclose(whole, t_ref, rtol=0, atol=1e-6 * dt):
        warnings.warn(f"tau_refrac is rounded to multiples of the time step of {dt:g} ms", stacklevel=2)
    return Refractory(neuron, **given({"t_ref": whole}))


def with_synapses(neuron: Neuron, exc: Synapse, inh: Synapse) -> Neuron:
    """With two kinds of synapses, and an input for electrodes."""
    return Receptors(neuron, exc=exc, inh=inh, keep_input=True)


def leaky(p: Values, dt: float, *, exact: bool = False) -> Neuron:
    """The membrane of the IF_ cells; with currents it is integrated exactly."""
    integrator = Exact() if exact else RungeKutta4()
    values = given(
        {
            "tau_mem": p["tau_m"], "r": p["tau_m"] / p["cm"], "v_rest": p["v_rest"], "v_th": p["v_thresh"],
            "v_reset": p["v_reset"],
        }
    )  # fmt: skip
    return Membrane(dt=dt, integrator=integrator, **values)


def adaptive(p: Values, dt: float) -> Neuron:
    """The membrane of the EIF_ cells; a is in nS."""
    values = given(
        {
            "c_mem": p["cm"], "g_leak": p["cm"] / p["tau_m"], "v_rest": p["v_rest"], "v_th": p["v_thresh"],
            "delta_t": p["delta_T"], "v_peak": p["v_spike"], "v_reset": p["v_reset"], "tau_w": p["tau_w"],
            "a": p["a"] * 1e-3, "b": p["b"],
        }
    )  # fmt: skip
    return AdEx(dt=dt, integrator=RungeKutta4(), **values)


def conductances(kernel: type[Synapse], p: Values) -> tuple[Synapse, Synapse]:
    """The two synapses of a cell with conductances."""
    exc, inh = (
        Conductance(kernel(**given({"tau_syn": p[f"tau_syn_{k}"]})), **given({"e_rev": p[f"e_rev_{k}"]})) for k in "EI"
    )
    return exc, inh


def currents(kernel: type[Synapse], p: Values) -> tuple[Synapse, Synapse]:
    """The two synapses of a cell with currents."""
    exc, inh = (kernel(**given({"tau_syn": p[f"tau_syn_{k}"]})) for k in "EI")
    return exc, inh


_CURRENTS = {"v": "v", "isyn_exc": "exc_g", "isyn_inh": "inh_g"}
_CONDUCTANCES = {"v": "v", "gsyn_exc": "exc_g", "gsyn_inh": "inh_g"}


class IF_curr_exp(Cell, cells.IF_curr_exp):
    """Leaky integrate-and-fire with exponential currents, integrated exactly."""

    translations = unchanged(cells.IF_curr_exp)
    recordable: ClassVar[list[str]] = [*cells.IF_curr_exp.recordable, "isyn_exc", "isyn_inh"]
    variables = _CURRENTS

    def build(self, values: Values, dt: float) -> Neuron:
        cell = with_synapses(leaky(values, dt, exact=True), *currents(Exponential, values))
        return refractory(cell, values["tau_refrac"], dt)


class IF_curr_alpha(Cell, cells.IF_curr_alpha):
    """Leaky integrate-and-fire with alpha-shaped currents, integrated exactly; weights are the peaks."""

    translations = unchanged(cells.IF_curr_alpha)
    recordable: ClassVar[list[str]] = [*cells.IF_curr_alpha.recordable, "isyn_exc", "isyn_inh"]
    variables = _CURRENTS

    def build(self, values: Values, dt: float) -> Neuron:
        cell = with_synapses(leaky(values, dt, exact=True), *currents(Alpha, values))
        return refractory(cell, values["tau_refrac"], dt)


class IF_curr_delta(Cell, cells.IF_curr_delta):
    """Leaky integrate-and-fire whose potential jumps by the weight, in mV."""

    translations = unchanged(cells.IF_curr_delta)
    variables: ClassVar[Mapping[str, str]] = {"v": "v"}

    def build(self, values: Values, dt: float) -> Neuron:
        return refractory(with_synapses(leaky(values, dt, exact=True), Delta(), Delta()), values["tau_refrac"], dt)


class IF_cond_exp(Cell, cells.IF_cond_exp):
    """Leaky integrate-and-fire with exponential conductances, by the Runge-Kutta method of fourth order."""

    translations = unchanged(cells.IF_cond_exp)
    variables = _CONDUCTANCES

    def build(self, values: Values, dt: float) -> Neuron:
        return refractory(
            with_synapses(leaky(values, dt), *conductances(Exponential, values)), values["tau_refrac"], dt
        )


class IF_cond_alpha(Cell, cells.IF_cond_alpha):
    """Leaky integrate-and-fire with alpha-shaped conductances, by the Runge-Kutta method of fourth order."""

    translations = unchanged(cells.IF_cond_alpha)
    variables = _CONDUCTANCES

    def build(self, values: Values, dt: float) -> Neuron:
        return refractory(with_synapses(leaky(values, dt), *conductances(Alpha, values)), values["tau_refrac"], dt)


class EIF_cond_exp_isfa_ista(Cell, cells.EIF_cond_exp_isfa_ista):
    """`AdEx` with exponential conductances, by the Runge-Kutta method of fourth order."""

    translations = unchanged(cells.EIF_cond_exp_isfa_ista)
    variables: ClassVar[Mapping[str, str]] = {**_CONDUCTANCES, "w": "w"}

    def build(self, values: Values, dt: float) -> Neuron:
        cell = with_synapses(adaptive(values, dt), *conductances(Exponential, values))
        return refractory(cell, values["tau_refrac"], dt)


class EIF_cond_alpha_isfa_ista(Cell, cells.EIF_cond_alpha_isfa_ista):
    """`AdEx` with alpha-shaped conductances, by the Runge-Kutta method of fourth order."""

    translations = unchanged(cells.EIF_cond_alpha_isfa_ista)
    variables: ClassVar[Mapping[str, str]] = {**_CONDUCTANCES, "w": "w"}

    def build(self, values: Values, dt: float) -> Neuron:
        cell = with_synapses(adaptive(values, dt), *conductances(Alpha, values))
        return refractory(cell, values["tau_refrac"], dt)


class HH_cond_exp(Cell, cells.HH_cond_exp):
    """`TraubMiles` with exponential conductances, by the Runge-Kutta method of fourth order in parts of 0.02 ms.

    It spikes where v rises through 0 mV.
    """

    translations = unchanged(cells.HH_cond_exp)
    receptor_types = ("excitatory", "inhibitory")
    recordable: ClassVar[list[str]] = [*cells.HH_cond_exp.recordable, "m", "h", "n"]
    variables: ClassVar[Mapping[str, str]] = {**_CONDUCTANCES, "m": "m", "h": "h", "n": "n"}

    def build(self, values: Values, dt: float) -> Neuron:
        p = values
        found = given(
            {
                "c_mem": p["cm"], "g_na": p["gbar_Na"], "g_k": p["gbar_K"], "g_leak": p["g_leak"],
                "e_na": p["e_rev_Na"], "e_k": p["e_rev_K"], "e_leak": p["e_rev_leak"], "v_t": p["v_offset"],
            }
        )  # fmt: skip
        # A spike's rates of up to 60/ms leave the method stable below 0.04 ms.
        integrator = Substeps(of=RungeKutta4(), n=max(1, math.ceil(dt / 0.02 - 1e-6)))
        membrane = TraubMiles(dt=dt, v_th=0.0, integrator=integrator, **found)
        return with_synapses(membrane, *conductances(Exponential, p))


class Izhikevich(Cell, cells.Izhikevich):
    """Izhikevich's neuron of 2003 whose potential jumps by the weight, in mV, by forward Euler; 1 nA is 1000 mV/ms."""

    translations = unchanged(cells.Izhikevich)
    variables: ClassVar[Mapping[str, str]] = {"v": "v", "u": "u"}
    per_nanoampere = 1000.0

    def build(self, values: Values, dt: float) -> Neuron:
        membrane = Quadratic(dt=dt, integrator=Euler(), **given({name: values[name] for name in "abcd"}))
        return with_synapses(membrane, Delta(), Delta())
