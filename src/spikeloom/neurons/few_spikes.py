"""Few-spike neurons: each step of a cycle has a threshold, a subtraction and an output weight of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor

from ..errors import ParameterError, UnknownNameError
from ..parameters import Input, Option, State
from ..surrogate import Surrogate, Triangle
from ._few_spikes_tables import TABLES
from ._nan import nan_of
from ._response import Kernel, Response


class FewSpikes(Response):
    """Few-spike neuron: in step k of a cycle, z = 1 where v >= v_th[k], then v <- v - h[k] z; the output is d[k] z.

    The value to encode is the input of the first step of a cycle; v(1) = i and all outputs of the cycle add up to an
    approximation of f(i). With `pipelined=True` the input of a whole cycle is summed and encoded in the next, as layers
    behind the first do. `relu(steps, alpha)` is max(i, 0) rounded down to so many bits and clipped at alpha;
    `gate("swish" | "gelu" | "sigmoid" | "tanh")` has tables fitted here on -8...8; `sl.neurons.fit_few_spikes` fits
    others. A sequence of several cycles starts anew in each. `learn=("v_th", "h", "d")` trains the tables; the
    surrogate is taken at (v - v_th[k]) / (|v| + 1), and the subtraction is differentiated.

    Shapes: [T, B, *features] to graded spikes of the same shape. Units: those of the input.
    Raises: ParameterError for tables of unequal length, or a d[k] that is 0.
    Source: Stoeckl and Maass 2021, "Optimized spiking neurons can classify images with high accuracy through temporal
    coding with two spikes", Nature Machine Intelligence 3 (arXiv 2002.00860); its code for the surrogate.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(4, 1, 1)
    >>> x[0] = 2.8
    >>> sl.neurons.FewSpikes.relu(4, alpha=4.0)(x).flatten()
    tensor([2.0000, 0.0000, 0.5000, 0.2500])
    """

    pipelined = Option(False, "sum the input of a cycle and encode it in the next")
    detach_reset = Option(False, "keep the reset out of the gradient")
    surrogate = Option[Surrogate](Triangle(height=1.0), "spike function and its slope in the backward pass")
    i = Input("1", "value to encode", span=(-2.0, 4.0))
    v = State(0.0, "1", "what is left to encode")
    u = State(0.0, "1", "input collected for the next cycle")
    k = State(0.0, "1", "step within the cycle", dtype=torch.int32)

    family = "few spikes"
    graded = True

    def __init__(
        self,
        v_th: Kernel = (2.0, 1.0, 0.5, 0.25),
        h: Kernel | None = None,
        d: Kernel | None = None,
        *,
        learn: Iterable[str] = (),
        **given: object,
    ) -> None:
        tables = {"v_th": v_th, "h": v_th if h is None else h, "d": v_th if d is None else d}
        lengths = [len(table) for table in tables.values()]
        if len(set(lengths)) > 1 or not lengths[0]:
            raise ParameterError("v_th, h and d of FewSpikes", expected="one value per step each", got=f"{lengths}")
        if not bool(torch.as_tensor(tables["d"]).all()):
            raise ParameterError("d of FewSpikes", expected="no 0, a spike that says nothing", got=repr(tables["d"]))
        super().__init__(tables, learn=learn, **given)

    @classmethod
    def relu(cls, steps: int = 10, *, alpha: float = 25.0, **given: Any) -> Self:
        """alpha 2^-k in step k for all three tables: a floor quantiser of so many bits from 0 to alpha (1 - 2^-steps).

        The defaults are those of the published code.
        """
        return cls([alpha * 2.0**-k for k in range(1, steps + 1)], **given)

    @classmethod
    def gate(cls, name: str, **given: Any) -> Self:
        """Tables for an activation function, fitted on -8...8, where the error is at most 0.05.

        Those of tanh follow from the sigmoid's: tanh(x) = 2 sigmoid(2 x) - 1, where a first spike, sent always, is -1.
        Raises: UnknownNameError.
        """
        if name == "tanh":
            v_th, h, d = TABLES["sigmoid"]
            return cls(
                (-1e30, *(x / 2 for x in v_th)), (0.0, *(x / 2 for x in h)), (-1.0, *(2 * x for x in d)), **given
            )
        if name not in TABLES:
            raise UnknownNameError(f"FewSpikes has no tables for {name!r}", name, [*TABLES, "tanh"])
        return cls(*TABLES[name], **given)

    def kernels(self) -> dict[str, Tensor]:
        return {name: self.kept(name) for name in ("v_th", "h", "d")}

    def lines(self) -> dict[str, int]:
        return {}

    def _now(self, table: str) -> Tensor:
        """The value of a table in this step."""
        k, last = self.before("k"), self._lengths[table] - 1
        value: Tensor = self.value(f"{table}_{last}")
        for j in range(last):
            value = torch.where(k == j, self.tap(table, j), value)
        return value

    def charge(self) -> dict[str, Tensor]:
        first = self.k == 0
        after = torch.where(self.k == self._lengths["v_th"] - 1, 0, self.k + 1)
        if self.pipelined:
            return {
                "v": torch.where(first, self.u, self.v),
                "u": torch.where(first, nan_of(self.u), self.u) + self.i,
                "k": after,
            }
        return {"v": torch.where(first, nan_of(self.v), self.v) + self.i, "k": after}

    def threshold(self) -> Tensor:
        return (self.v - self._now("v_th")) / (torch.abs(self.v) + 1)

    def fire(self) -> Tensor:
        return self._now("d") * super().fire()

    def reset(self) -> dict[str, Tensor]:
        z = self.value("s") / self._now("d")
        return {"v": self.v - self._now("h") * z}
