"""What wrappers that raise the threshold of another neuron share."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from ..errors import ParameterError
from .neuron import Neuron
from .wrapper import Wrapper


class RaisedThreshold(Wrapper):
    """Abstract: a subclass states by how much the threshold of the wrapped neuron is raised.

    A soft reset lowers the potential by the raised threshold. Raises: ParameterError for a neuron without v_th.
    """

    def __init__(self, neuron: Neuron, *, learn: Iterable[str] = (), **given: object) -> None:
        super().__init__(neuron, learn=learn, **given)
        if "v_th" not in neuron.params:
            do = "wrap a neuron with a threshold, for example sl.LIF()"
            expected = "a neuron with a parameter v_th"
            raise ParameterError(type(self).__name__, expected=expected, got=repr(neuron), do=do)

    def rise(self) -> Tensor:
        """Distance from the threshold at rest to the present one."""
        raise NotImplementedError(f"{type(self).__name__} states no rise(self)")

    def _raised(self) -> Neuron:
        """The wrapped neuron with its threshold raised."""
        return self.wrapped.bind({"v_th": self.value("v_th") + self.rise()})

    def threshold(self) -> Tensor:
        return self._raised().threshold()

    def fire(self) -> Tensor:
        return self._raised().fire()

    def reset(self) -> dict[str, Tensor]:
        raised = self._raised()
        return raised._checked(raised.reset(), "reset")
