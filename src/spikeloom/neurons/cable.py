"""Detailed neurons: a tree of compartments, each with the channels of a membrane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ..compile._arguments import checked_inputs
from ..compile._backend import choose
from ..errors import BackendError, DeviceError, DTypeError, ParameterError, ShapeError, UnknownNameError
from ..parameters import Param
from ._axial import tree_of
from ._cable_kernel import Run, prepare, refuse_nan, run_kernel, run_stepwise
from ._hines import solve, solve_dense
from ._session import sessions_of
from .implicit import BackwardEuler, Implicit
from .morphology import Morphology
from .neuron import Neuron

_CURRENT = ("uA/cm^2", "µA/cm^2", "µA/cm²")
_SQUARE_CM = 1e-8  # of a µm^2
# Steps between which only observed compartments are kept.
_PIECE = 256
_RESISTIVITY = Param(100.0, "Ω cm", "axial resistivity", low=0.0)


class Cable(nn.Module):
    """Cells of one morphology: c dv_k/dt = channels of k + i_k + sum over neighbours j of g_jk (v_j - v_k) / area_k.

    `membrane` is any neuron whose input `i` is a current per area and which has a potential `v`; each compartment has
    its channels. Its parameters may be tensors [n], one value per compartment, and `regions` sets them by region:
    `{"dendrite": {"g_na": 0.0}}`. Between the middles of two compartments lies the axial resistance of the halves
    between them. All states but v advance by exponential Euler, v implicitly by `integrator`, `BackwardEuler` or
    `CrankNicolson`, with Hines' elimination, in place of the membrane's own integrator.

    Called with currents [T, B, n] in uA/cm^2, it returns the output of the membrane, spikes or potentials, at every
    compartment or at those that `observe` names, by index or region. `inject` makes the current of an electrode.
    `unroll` and `record` know the membrane: `record(cable, "v")` fills "membrane.v". One kernel runs all steps and
    cells on the CPU; where a gradient is wanted, steps run one after another in PyTorch. On the back end `reference`
    the equations are solved as dense ones.

    Shapes: inputs [T, B, n] in the order the membrane declares, to [T, B, n] or [T, B, observed]. float64 or float32.
    Units: ms, mV, µm, uA/cm^2, Ω cm; `inject` takes nA.
    Raises: ParameterError, DTypeError, UnknownNameError at construction; ShapeError, DTypeError, DeviceError,
    BackendError, NonFiniteError, TraceError when called.
    Source: Rall 1964, "Theoretical significance of dendritic trees for neuronal input-output relations", the
    compartments; Hines 1984, Int. J. Bio-Medical Computing 15, the elimination and the staggered gates. Points without
    membrane where branches meet are not from these papers.

    >>> import spikeloom as sl
    >>> axon = Cable(sl.neurons.HodgkinHuxley(dt=0.025), Morphology.cylinder(2000.0, 10.0, 40), axial_resistivity=35.4)
    >>> s = axon(axon.inject(0, torch.full((200,), 100.0)))
    >>> s.argmax(0)[0, [0, 20, 39]] * 0.025  # ms
    tensor([0.0250, 0.6500, 1.0000])
    """

    def __init__(
        self,
        membrane: Neuron,
        morphology: Morphology,
        *,
        axial_resistivity: float | Tensor = 100.0,
        integrator: Implicit | None = None,
        regions: Mapping[str, Mapping[str, float | Tensor]] | None = None,
        observe: int | str | Sequence[int | str] | None = None,
        into: str = "i",
    ) -> None:
        super().__init__()
        _verify_membrane(membrane, into)
        if not isinstance(morphology, Morphology):
            do = "for example Morphology.cylinder(1000.0, 2.0, 50)"
            raise DTypeError("morphology of Cable", expected="a Morphology", got=repr(morphology), do=do)
        method = BackwardEuler() if integrator is None else integrator
        if not isinstance(method, Implicit):
            do = "use BackwardEuler() or CrankNicolson()"
            raise DTypeError("integrator of Cable", expected="an implicit one", got=repr(method), do=do)
        self.membrane = membrane.with_options(integrator=method)
        self.morphology, self.into = morphology, into
        _set_by_region(self.membrane, morphology, regions or {})
        self.axial_resistivity = _resistivity(axial_resistivity, len(morphology))
        self.tree = tree_of(morphology, self.axial_resistivity)
        self.observed = _observed(morphology, observe)

    @property
    def area(self) -> Tensor:
        """Membrane area of each compartment in cm^2."""
        return self.morphology.area * _SQUARE_CM

    def inject(self, where: int | str, current: Tensor) -> Tensor:
        """The input of an electrode with `current`, [T] or [T, B] in nA, in one compartment: [T, B, n] in uA/cm^2.

        `where` is an index or a region of one compartment. Sums of such inputs are inputs of several electrodes.
        """
        if not isinstance(current, Tensor) or not current.is_floating_point() or current.dim() not in (1, 2):
            got = list(current.shape) if isinstance(current, Tensor) else type(current).__name__
            raise ShapeError("current of inject", expected="floating-point numbers [T] or [T, B]", got=got)
        k = self.morphology.compartment(where)
        density = torch.zeros(len(self.morphology), dtype=current.dtype)
        density[k] = 1e-3 / float(self.area[k])
        return (current if current.dim() == 2 else current.unsqueeze(1)).unsqueeze(2) * density

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run from rest, or from the state that a surrounding `unroll` gives."""
        named = self._named(inputs)
        sessions = sessions_of(self.membrane)
        state = next((given for session in sessions if (given := session.begin(self.membrane)) is not None), None)
        wanted = self.membrane._wanted(sessions)
        produced, final = self._run(named, state, wanted)
        for session in sessions:
            session.end(self.membrane, produced, final)
        return produced[self.membrane.output]

    def _run(self, inputs: dict[str, Tensor], state: Mapping[str, Tensor] | None, outputs: tuple[str, ...]) -> Run:
        if self.observed is None:
            return self._piece(inputs, state, outputs)
        pieces, now = list[dict[str, Tensor]](), state
        for start in range(0, max(inputs[self.into].shape[0], 1), _PIECE):
            produced, now = self._piece({n: x[start : start + _PIECE] for n, x in inputs.items()}, now, outputs)
            pieces.append({n: y[..., self.observed] for n, y in produced.items()})
        assert now is not None
        return {n: torch.cat([piece[n] for piece in pieces]) for n in outputs}, dict(now)

    def _piece(self, inputs: dict[str, Tensor], state: Mapping[str, Tensor] | None, outputs: tuple[str, ...]) -> Run:
        backend = choose(torch.device("cpu"))[0].NAME
        if backend not in ("numba", "reference"):
            raise BackendError(
                f"back end {backend!r}", expected="'numba' or 'reference' for a Cable", got=repr(backend)
            )
        values: Iterable[object] = (*inputs.values(), *self.membrane.param_values().values(), *(state or {}).values())
        gradient = torch.is_grad_enabled() and any(isinstance(v, Tensor) and v.requires_grad for v in values)
        given = self.membrane, self.tree, self.area, self.into, inputs, state, outputs
        run = prepare(*given, differentiable=gradient)
        if backend == "numba" and not gradient:
            produced, final = run_kernel(run)
        else:
            produced, final = run_stepwise(run, solve if backend == "numba" else solve_dense)
        refuse_nan(type(self.membrane).__name__, final, len(inputs[self.into]))
        return produced, final

    def _named(self, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
        names, n = list(self.membrane.inputs), len(self.morphology)
        if len(inputs) != len(names):
            expected = f"{len(names)} of them, in this order: {', '.join(names)}"
            raise DTypeError("inputs of Cable", expected=expected, got=len(inputs))
        named = dict(zip(names, inputs, strict=True))
        x = checked_inputs("Cable", named)
        if x.dim() != 3 or x.shape[2] != n:
            do = "make it with inject(where, current)"
            raise ShapeError("input of Cable", expected=f"[T, B, {n} compartments]", got=list(x.shape), do=do)
        if x.device.type != "cpu":
            raise DeviceError("input of Cable", expected="a tensor on the CPU", got=x.device, do="move it with .cpu()")
        if x.dtype not in (torch.float32, torch.float64):
            do = "convert it with .double()"
            raise DTypeError("input of Cable", expected="float64 or float32", got=x.dtype, do=do)
        return named

    def extra_repr(self) -> str:
        """Shape and resistivity."""
        shown = float(self.axial_resistivity.mean())
        return f"{self.morphology!r}, axial_resistivity={shown:g}"


def _verify_membrane(membrane: Neuron, into: str) -> None:
    if not isinstance(membrane, Neuron):
        do = "for example Cable(sl.neurons.HodgkinHuxley(), morphology)"
        raise DTypeError("membrane of Cable", expected="a Neuron", got=repr(membrane), do=do)
    what = f"membrane {type(membrane).__name__} of Cable"
    if hasattr(membrane, "neuron") or membrane.noises or "v" not in membrane.states:
        expected = "a neuron with a potential v, without noise and wrapper"
        raise ParameterError(what, expected=expected, got=repr(membrane))
    if into not in membrane.inputs:
        raise UnknownNameError(f"into of {what}", into, membrane.inputs)
    unit = membrane.inputs[into].unit
    if unit not in _CURRENT:
        do = "use a membrane stated per area, such as HodgkinHuxley or PassiveMembrane"
        raise ParameterError(f"input {into!r} of {what}", expected=f"a current in {_CURRENT[0]}", got=unit, do=do)


def _resistivity(given: float | Tensor, n: int) -> Tensor:
    value = torch.as_tensor(_RESISTIVITY.check("Cable", given), dtype=torch.float64).detach()
    if value.dim() > 1 or (value.dim() and len(value) != n):
        expected = f"a number or one value for each of {n} compartments"
        raise ShapeError("axial_resistivity of Cable", expected=expected, got=list(value.shape))
    return value.expand(n).clone()


def _set_by_region(
    membrane: Neuron, morphology: Morphology, regions: Mapping[str, Mapping[str, float | Tensor]]
) -> None:
    for region, values in regions.items():
        index = morphology.indices(region)
        for name, value in values.items():
            if name not in membrane.params:
                raise UnknownNameError(f"regions of Cable, {region!r}", name, membrane.params)
            if name in membrane.learn:
                do = "give it one value per compartment before it learns"
                raise ParameterError(f"regions of Cable set {name!r}, which learns", do=do)
            whole = torch.as_tensor(membrane.param_values()[name], dtype=torch.float64)
            whole = whole.expand(len(morphology)).clone()
            whole[index] = torch.as_tensor(value, dtype=torch.float64)
            setattr(membrane, name, whole)


def _observed(morphology: Morphology, observe: int | str | Sequence[int | str] | None) -> Tensor | None:
    if observe is None:
        return None
    chosen = [observe] if isinstance(observe, int | str) else list(observe)
    found: list[int] = []
    for one in chosen:
        found += morphology.indices(one).tolist() if isinstance(one, str) else [morphology.compartment(one)]
    return torch.tensor(found, dtype=torch.int64)
