"""Words of the event kernels beyond the kernel language: whole vectors of bits, and sums of chosen rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["append_bits", "column_of", "comparer", "ones_of", "spread", "sum_of_rows", "trailing_zeros"]

_WORD = 32
_INDEX = ir.IntType(64)


def _load(builder: Any, pointer: Any, width: int) -> Any:
    element = pointer.type.pointee
    vector = builder.bitcast(pointer, ir.VectorType(element, width).as_pointer())
    return builder.load(vector, align=_bytes(element))


def _store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=_bytes(pointer.type.pointee))


def _bytes(element: Any) -> int:
    return element.width // 8 if isinstance(element, ir.IntType) else {"float": 4, "double": 8}[str(element)]


def comparer(relation: str, mask: int, value: int) -> Any:
    """`word(pointer, index)`: 32 bits, set where `(pointer[index + bit] & mask) relation value`."""

    @intrinsic  # type: ignore[untyped-decorator]
    def word(_context: Any, pointer: Any, index: Any) -> Any:
        def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            found = _load(builder, builder.gep(arguments[0], [arguments[1]]), _WORD)
            masked = builder.and_(found, ir.Constant(found.type, [mask] * _WORD))
            equal = builder.icmp_unsigned(relation, masked, ir.Constant(found.type, [value] * _WORD))
            return builder.bitcast(equal, ir.IntType(_WORD))

        return types.uint32(pointer, types.int64), generate

    return word


def spread(value: int) -> Any:
    """`write(pointer, index, word)`: pointer[index + bit] = value where the bit is set, else 0, for all 32 bits."""

    @intrinsic  # type: ignore[untyped-decorator]
    def write(_context: Any, pointer: Any, index: Any, word: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            place = builder.gep(arguments[0], [arguments[1]])
            lanes = ir.VectorType(place.type.pointee, _WORD)
            bits = builder.bitcast(arguments[2], ir.VectorType(ir.IntType(1), _WORD))
            zeros, ones = ir.Constant(lanes, [0] * _WORD), ir.Constant(lanes, [value] * _WORD)
            _store(builder, builder.select(bits, ones, zeros), place)
            return context.get_dummy_value()

        return types.void(pointer, types.int64, types.uint32), generate

    return write


@intrinsic  # type: ignore[untyped-decorator]
def trailing_zeros(_context: Any, word: Any) -> Any:
    """Position of the lowest set bit of a word that is not zero."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.cttz(arguments[0], ir.IntType(1)(1)), _INDEX)

    return types.int64(types.uint32), generate


@intrinsic  # type: ignore[untyped-decorator]
def ones_of(_context: Any, word: Any) -> Any:
    """How many bits are set."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.ctpop(arguments[0]), _INDEX)

    return types.int64(types.uint32), generate


@intrinsic  # type: ignore[untyped-decorator]
def column_of(_context: Any, words: Any, bit: Any) -> Any:
    """A word whose bit k is the given bit of words[k], for 32 words."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        rows = _load(builder, arguments[0], _WORD)
        mask = builder.shl(ir.IntType(32)(1), builder.trunc(arguments[1], ir.IntType(32)))
        chosen = builder.and_(rows, _repeated(builder, mask, rows.type))
        set_there = builder.icmp_unsigned("!=", chosen, ir.Constant(rows.type, [0] * _WORD))
        return builder.bitcast(set_there, ir.IntType(_WORD))

    return types.uint32(words, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def append_bits(_context: Any, places: Any, first: Any, word: Any) -> Any:
    """Write first + bit for the set bits of `word` to `places` and, in vain, up to 32 numbers in all.

    Without a branch, since how many bits are set cannot be predicted.
    """

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place, start, bits = arguments
        half = ir.IntType(16)
        lanes, chosen = ir.VectorType(ir.IntType(32), 16), ir.VectorType(ir.IntType(1), 16)
        signature = ir.FunctionType(lanes, [lanes, chosen, lanes])
        name = "llvm.experimental.vector.compress.v16i32"
        compress = cgutils.get_or_insert_function(builder.module, signature, name)
        base = _repeated(builder, builder.trunc(start, ir.IntType(32)), lanes)
        low = builder.trunc(bits, half)
        high = builder.trunc(builder.lshr(bits, ir.IntType(32)(16)), half)
        second = builder.gep(place, [builder.zext(builder.ctpop(low), _INDEX)])
        for offset, part, target in ((0, low, place), (16, high, second)):
            numbers = builder.add(base, ir.Constant(lanes, list(range(offset, offset + 16))))
            mask = builder.bitcast(part, chosen)
            _store(builder, builder.call(compress, [numbers, mask, ir.Constant(lanes, ir.Undefined)]), target)
        return context.get_dummy_value()

    return types.void(places, types.int64, types.uint32), generate


def sum_of_rows(widths: Sequence[int], weighted: bool) -> Any:
    """`add(chosen, count, matrix, stride, start, total, values, step)` on sum(widths) columns.

    total = start + matrix[row] (times values[row * step] if weighted) for the `count` rows in `chosen`, one
    after another. The sums stand in one vector register per width.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def add(
        _context: Any, chosen: Any, count: Any, matrix: Any, stride: Any, start: Any, total: Any, values: Any, step: Any
    ) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            _sum_of_rows(builder, widths, weighted, *arguments)
            return context.get_dummy_value()

        return types.void(chosen, types.int64, matrix, types.int64, start, total, values, types.int64), generate

    return add


def _sum_of_rows(
    builder: Any, widths: Sequence[int], weighted: bool,
    chosen: Any, count: Any, matrix: Any, stride: Any, start: Any, total: Any, values: Any, step: Any,
) -> None:  # fmt: skip
    offsets = [_INDEX(sum(widths[:k])) for k in range(len(widths))]
    places = [builder.gep(total, [offset]) for offset in offsets]
    first = [_load(builder, builder.gep(start, [o]), w) for o, w in zip(offsets, widths, strict=True)]
    before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.cbranch(builder.icmp_signed(">", count, _INDEX(0)), loop, after)
    builder.position_at_end(loop)
    turn = builder.phi(_INDEX)
    sums = [builder.phi(value.type) for value in first]
    index = builder.zext(builder.load(builder.gep(chosen, [turn])), _INDEX)
    row = builder.gep(matrix, [builder.mul(index, stride)])
    terms = [_load(builder, builder.gep(row, [o]), w) for o, w in zip(offsets, widths, strict=True)]
    if weighted:
        factor = builder.load(builder.gep(values, [builder.mul(index, step)]))
        terms = [builder.fmul(term, _repeated(builder, factor, term.type)) for term in terms]
    last = [builder.fadd(so_far, term) for so_far, term in zip(sums, terms, strict=True)]
    following = builder.add(turn, _INDEX(1))
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    for phi, begin, end in zip([turn, *sums], [_INDEX(0), *first], [following, *last], strict=True):
        phi.add_incoming(begin, before)
        phi.add_incoming(end, loop)
    builder.position_at_end(after)
    results = [builder.phi(value.type) for value in first]
    for phi, begin, end in zip(results, first, last, strict=True):
        phi.add_incoming(begin, before)
        phi.add_incoming(end, loop)
    for phi, place in zip(results, places, strict=True):
        _store(builder, phi, place)


def _repeated(builder: Any, value: Any, vector: Any) -> Any:
    lane = ir.IntType(32)
    single = builder.insert_element(ir.Constant(vector, ir.Undefined), value, lane(0))
    return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(lane, vector.count), [0] * vector.count))
