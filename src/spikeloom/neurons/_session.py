"""What a surrounding `unroll` or `record` wants of the neurons that run inside it. Nothing is kept on the neurons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from torch import Tensor, nn

from ..errors import SpikeloomError

States = dict[str, dict[str, Tensor]]


@dataclass
class Session:
    """One model's run: the state to begin with and to end with, and the variables to record, by module name."""

    names: dict[nn.Module, str]
    given: States | None = None
    final: States | None = None
    variables: tuple[str, ...] = ()
    recorded: dict[str, Tensor] = field(default_factory=dict)

    def begin(self, module: nn.Module) -> dict[str, Tensor] | None:
        """The state a neuron starts from; None is rest."""
        name = self.names[module]
        if self.final is not None and name in self.final:
            do = "give each place in the network a neuron of its own"
            raise SpikeloomError(f"neuron {name!r} runs twice in one pass, so its state is ambiguous", do=do)
        return None if self.given is None else self.given[name]

    def end(self, module: nn.Module, outputs: dict[str, Tensor], state: dict[str, Tensor]) -> None:
        """Take what a neuron produced."""
        name = self.names[module]
        if self.final is not None:
            self.final[name] = state
        for variable in self.variables:
            if variable in outputs:
                self.recorded[f"{name}.{variable}" if name else variable] = outputs[variable]


_sessions: ContextVar[tuple[Session, ...]] = ContextVar("spikeloom_sessions", default=())


def sessions_of(module: nn.Module) -> list[Session]:
    """The active sessions whose model contains this module."""
    return [session for session in _sessions.get() if module in session.names]


@contextmanager
def active(session: Session) -> Iterator[Session]:
    """Make a session known to the neurons inside the block."""
    token = _sessions.set((*_sessions.get(), session))
    try:
        yield session
    finally:
        _sessions.reset(token)
