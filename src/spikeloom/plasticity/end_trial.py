"""The end of a trial on tensors: what a rule makes of counts, without going through the spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError, UnknownNameError
from .dense import Learned
from .handler import Handler
from .rule import Rule


def end_trial(
    rule: Rule, w: Tensor, traces: Mapping[str, Tensor], *, state: Mapping[str, Tensor] | None = None
) -> Learned:
    """Apply a rule's `on_trial` to weights [out, in], for traces as they are at the end of each trial of a batch.

    Traces may be given values that are no counts, such as pixels. The mean of the weights over the batch is the usual
    weight of the next.

    Shapes: w [out, in] or [B, out, in]; traces by name, presynaptic ones [B, in], postsynaptic ones and states that the
    rule reads [B, out]; `state`: synapse states by name, [B, out, in]; returns weights [B, out, in].
    Raises: ParameterError (a rule without on_trial, or with noise; a trace missing; NaN), ShapeError, DTypeError,
    UnknownNameError.

    >>> import torch, spikeloom as sl
    >>> pixels, counts = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0]])
    >>> sl.plasticity.end_trial(sl.plasticity.Instar(eta=0.1), torch.full((1, 2), 0.5), {"m": pixels, "n": counts}).w
    tensor([[[0.5500, 0.4500]]])
    """
    name = type(rule).__name__
    if not rule.has("on_trial") or rule.noises:
        got = "one with noise" if rule.noises else f"on {', '.join(rule.handlers())}"
        do = "use sl.plasticity.learn on spike trains"
        raise ParameterError(f"rule {name}", expected="one that acts at the end of trials", got=got, do=do)
    given = _checked(rule, name, w, traces)
    batch = max((len(value) for value in given.values()), default=len(w) if w.dim() == 3 else 1)
    size = (batch, *w.shape[-2:])
    values: dict[str, Any] = {n: torch.as_tensor(v, dtype=torch.float64) for n, v in rule.param_values().items()}
    values |= {n: w.new_full(size, rest) for n, rest in rule.at_rest().items()} | dict(state or {}) | given
    changed = Handler(rule, "on_trial").step(values | {"w": w.expand(size)})
    return Learned(changed.pop("w"), changed)


def _checked(rule: Rule, name: str, w: Tensor, traces: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values of the traces with an axis for the other side."""
    of_post = {*rule.post_traces, *rule.post_states, *rule.inputs}
    known = {*rule.pre_traces, *of_post}
    for label in traces:
        if label not in known:
            raise UnknownNameError(f"trace of {name}", label, known)
    for label, value in {"w": w, **{label: traces.get(label) for label in sorted(known)}}.items():
        if value is None:
            do = f"give {{{label!r}: ...}}"
            raise ParameterError(f"trace {label} of {name}", expected="given", got="none", do=do)
        if not isinstance(value, Tensor) or not value.is_floating_point():
            got = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise DTypeError(f"{label} of {name}", expected="a floating-point tensor", got=got)
        if not bool(torch.isfinite(value).all()):
            raise ParameterError(f"{label} of {name}", expected="finite numbers", got="NaN or infinity")
    batch = max((len(value) for value in traces.values() if value.dim()), default=1)
    if w.dim() not in (2, 3) or (w.dim() == 3 and traces and len(w) != batch):
        raise ShapeError(f"w of {name}", expected=f"[out, in] or [{batch}, out, in]", got=list(w.shape))
    for label, value in traces.items():
        expected = [batch, w.shape[-2] if label in of_post else w.shape[-1]]
        if list(value.shape) != expected:
            raise ShapeError(f"trace {label} of {name}", expected=expected, got=list(value.shape))
    return {label: value.unsqueeze(-1 if label in of_post else 1) for label, value in traces.items()}
