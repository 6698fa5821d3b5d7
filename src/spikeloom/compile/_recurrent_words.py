"""The word of recurrent kernels beyond the kernel language: a call of the product, which is compiled apart."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["add_product"]


@intrinsic  # type: ignore[untyped-decorator]
def add_product(
    _context: Any, address: Any, sums: Any, source: Any, weight: Any, places: Any, counts: Any, samples: Any, n: Any
) -> Any:
    """Call the compiled product at `address` with the other arguments."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        # As Numba calls: a place for the result and one for an exception, then the arguments.
        place = cgutils.alloca_once(builder, ir.IntType(64), size=2)
        place = builder.bitcast(place, ir.IntType(8).as_pointer())
        values = [place, place, *arguments[1:]]
        function = ir.FunctionType(ir.IntType(32), [value.type for value in values])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), values)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(whole, sums, source, weight, places, counts, whole, whole), generate
