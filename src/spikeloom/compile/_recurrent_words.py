"""The word of recurrent kernels beyond the kernel language: a call of the product, which is compiled apart."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from ._engine_words import call_compiled

__all__ = ["add_product"]


@intrinsic  # type: ignore[untyped-decorator]
def add_product(
    _context: Any, address: Any, sums: Any, source: Any, weight: Any, places: Any, counts: Any, samples: Any, n: Any
) -> Any:
    """Call the compiled product at `address` with the other arguments."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        call_compiled(builder, *arguments)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(whole, sums, source, weight, places, counts, whole, whole), generate
