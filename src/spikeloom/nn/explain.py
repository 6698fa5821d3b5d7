"""Which kernel runs where, and why."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..compile import Plan
from ..neurons import Neuron
from ..products import Choice
from ..products._choice import watched
from ._fusion import Observer


@dataclass(frozen=True)
class Explanation:
    """How one neuron layer of a model would run; `source` is the text of its kernels.

    `fused` names what runs in the neuron's kernel besides the neuron: a linear layer's bias, batch normalisation, the
    addition of a residual, a count or rate. `products` tells how the products between the neuron before it and this
    one were computed in the forward pass; those too small to choose for are not in it.
    """

    name: str
    neuron: str
    backend: str
    reason: str
    steps: int
    neurons: int
    dtype: str
    operations: tuple[int, int]
    saved_bytes: float
    hoisted: int
    source: str
    fused: tuple[str, ...] = ()
    products: tuple[Choice, ...] = ()

    def __str__(self) -> str:
        forward, backward = self.operations
        fused = f", fused with {', '.join(self.fused)}" if self.fused else ""
        return (
            f"{self.name or 'model'}: {self.neuron}{fused}\n"
            f"  {self.backend} ({self.reason}); {self.steps} steps x {self.neurons} neurons, {self.dtype}\n"
            f"  {forward} operations forward, {backward} backward, {self.saved_bytes:g} bytes kept per neuron and step,"
            f" {self.hoisted} values computed once per call" + "".join(f"\n  {choice}" for choice in self.products)
        )


def explain(model: nn.Module, x: Tensor) -> list[Explanation]:
    """Run `model` on `x` [T, B, *features] once and tell for each neuron which back end it used and what it costs.

    Under torch.no_grad() it tells of inference, else of training. Raises: what the model raises.

    >>> import torch, spikeloom as sl
    >>> print(explain(sl.LIF(), torch.rand(8, 1, 4))[0].backend)
    numba
    """
    found: list[Explanation] = []
    names = {m: name for name, m in model.named_modules() if isinstance(m, Neuron)}
    with watched() as choices:
        hooks = [module.register_forward_pre_hook(_Look(name, found, choices)) for module, name in names.items()]
        try:
            model(x if not torch.is_grad_enabled() else x.detach().requires_grad_())
        finally:
            for hook in hooks:
                hook.remove()
    return found


class _Look(Observer):
    """Sees a neuron being called, by itself or fused."""

    def __init__(self, name: str, found: list[Explanation], choices: list[Choice]) -> None:
        self.name, self.found, self.choices = name, found, choices

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, Neuron)
        self.tell(module, module.plan(*inputs), ())

    def tell(self, module: nn.Module, plan: Plan, fused: tuple[str, ...]) -> None:
        self.found.append(_explained(self.name, module, plan, fused, tuple(self.choices)))
        self.choices.clear()


def _explained(
    name: str, module: nn.Module, plan: Plan, fused: tuple[str, ...], products: tuple[Choice, ...]
) -> Explanation:
    loop = plan.loop
    return Explanation(
        name=name,
        neuron=repr(module),
        backend=plan.backend,
        reason=plan.reason,
        steps=plan.steps,
        neurons=plan.neurons,
        dtype=str(plan.variant.dtype).removeprefix("torch."),
        operations=(len(loop.forward.body), len(loop.backward.body) if loop.backward else 0),
        saved_bytes=plan.saved_bytes,
        hoisted=len(loop.hoisted),
        source=plan.kernel.source,
        fused=fused,
        products=products,
    )
