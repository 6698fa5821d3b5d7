"""Sources of the event kernels, and what calls them."""

from __future__ import annotations

import ctypes
import hashlib
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import torch

from ..compile._object_code import address_of

# Words hold 32 columns, the lowest bit the first.
WORD = 32
# Rows whose lists of events are made before any is summed: a block of the matrix in cache is used that often.
TILE = 64
# Rows of the gradient that stay in cache together while the weight gradient reads them in the order of its events.
CHUNK = 1024
# Length of a list of them: whole words are appended.
ROOM = CHUNK + WORD
_ACCUMULATORS = 8

# Integer type of the same width, and the bits of 1.0, of every dtype that can be packed.
LAYOUTS = {
    torch.float32: ("int32", 0x3F800000),
    torch.float64: ("int64", 0x3FF0000000000000),
    torch.bfloat16: ("int16", 0x3F80),
    torch.float16: ("int16", 0x3C00),
}

_PACK = """
active = comparer("!=", {magnitude}, 0)
unit = comparer("==", -1, {one})

def pack(lo, hi, columns, words, stride, x, bits, counts):
    r = lo
    while r < hi:
        row, out = at(x, r * stride), at(bits, r * words)
        count, w, odd = int64(0), int64(0), np.uint32(0)
        while w < columns // 32:
            a = active(row, w * 32)
            odd = np.uint32(odd | np.uint32(a & ~unit(row, w * 32)))
            store(out, w, a)
            count += ones_of(a)
            w += 1
        rest = columns - w * 32
        if rest > 0:
            a = np.uint32(0)
            if columns >= 32:
                gone = np.uint32(32 - rest)
                a = np.uint32(active(row, columns - 32) >> gone)
                odd = np.uint32(odd | np.uint32(a & ~np.uint32(unit(row, columns - 32) >> gone)))
            else:
                k = int64(0)
                while k < rest:
                    found = load(row, k)
                    if (found & {integer}({magnitude})) != 0:
                        a = np.uint32(a | np.uint32(np.uint32(1) << np.uint32(k)))
                        if found != {integer}({one}):
                            odd = np.uint32(1)
                    k += 1
            store(out, w, a)
            count += ones_of(a)
        store(counts, r, -1 - count if odd != 0 else count)
        r += 1
"""

_UNPACK = """
write = spread({one})

def unpack(lo, hi, columns, words, bits, x):
    r = lo
    while r < hi:
        row, out = at(bits, r * words), at(x, r * columns)
        w = int64(0)
        while w < columns // 32:
            write(out, w * 32, load(row, w))
            w += 1
        k = w * 32
        while k < columns:
            set = (load(row, w) >> np.uint32(k - w * 32)) & np.uint32(1)
            store(out, k, {integer}({one}) if set != 0 else {integer}(0))
            k += 1
        r += 1
"""

# A patch is the words of the pixels under a kernel that stands at one pixel of the output, zero beyond the border.
_PATCHES = """
def patches(lo, hi, words, height, width, out_height, out_width, tall, wide, step_y, step_x, skip_y, skip_x,
            pad_y, pad_x, bits, result):
    line = lo
    while line < hi:
        image, y = line // out_height, line % out_height
        place = line * out_width * tall * wide * words
        x = int64(0)
        while x < out_width:
            a = int64(0)
            while a < tall:
                from_y, b = y * step_y - pad_y + a * skip_y, int64(0)
                while b < wide:
                    from_x = x * step_x - pad_x + b * skip_x
                    inside = (from_y >= 0) & (from_y < height) & (from_x >= 0) & (from_x < width)
                    source = ((image * height + from_y) * width + from_x) * words
                    w = int64(0)
                    while w < words:
                        store(result, place, load(bits, source + w) if inside else np.uint32(0))
                        place += 1
                        w += 1
                    b += 1
                a += 1
            x += 1
        line += 1
"""

_FORWARD = """
def forward(lo, hi, columns, words, outputs, bits, weight, bias, y, values, value_stride, chosen, counts):
    room = columns + {word}
    tile = lo
    while tile < hi:
        end = min(tile + {tile}, hi)
        r = tile
        while r < end:
            mine = at(chosen, (r - tile) * room)
            n, w = int64(0), int64(0)
            while w < words:
                word, first = load(bits, r * words + w), w * 32
{listing}
                w += 1
            store(counts, r - tile, n)
            r += 1
{blocks}
        tile = end
"""

# From the bits of a word to their numbers: compressed vectors where there are such, elsewhere one by one. Those of
# 100 000 patches of 288 bits, a tenth of them set, take 3 ms against 9 ms.
_LISTINGS = {
    "vectors": """
append_bits(at(mine, n), first, word)
n += ones_of(word)
""",
    "bits": """
while word != 0:
    store(mine, n, np.uint32(first + trailing_zeros(word)))
    word = np.uint32(word & np.uint32(word - np.uint32(1)))
    n += 1
""",
}

_FORWARD_BLOCK = """
r = tile
while r < end:
    {add}(
        at(chosen, (r - tile) * room), load(counts, r - tile), at(weight, c), outputs, at(bias, c),
        at(y, r * outputs + c), at(values, r * value_stride), int64(1),
    )
    r += 1
"""

# Of the bits of 32 rows and 32 inputs those of one input are a word too, and lists are made of words as above.
_WEIGHT = """
def weight(lo, hi, rows, inputs, words, outputs, bits, grad, result, values, value_stride, chosen, counts, block):
    chunk = int64(0)
    while chunk < rows:
        end = min(chunk + {chunk}, rows)
        k = lo
        while k < hi:
            store(counts, k - lo, int64(0))
            k += 1
        r = chunk
        while r < end:
            w = lo // 32
            while w * 32 < hi:
                some = np.uint32(0)
                k = int64(0)
                while k < 32:
                    word = load(bits, (r + k) * words + w) if r + k < end else np.uint32(0)
                    some = np.uint32(some | word)
                    store(block, k, word)
                    k += 1
                k = w * 32
                while k < min(hi, w * 32 + 32):
                    if some & np.uint32(np.uint32(1) << np.uint32(k - w * 32)) != 0:
                        mine, first = at(chosen, (k - lo) * {room}), r - chunk
                        n, word = load(counts, k - lo), column_of(block, k - w * 32)
{listing}
                        store(counts, k - lo, n)
                    k += 1
                w += 1
            r += 32
{blocks}
        chunk = end
"""

_WEIGHT_BLOCK = """
k = lo
while k < hi:
    {add}(
        at(chosen, (k - lo) * {room}), load(counts, k - lo), at(grad, chunk * outputs + c), outputs,
        at(result, k * outputs + c), at(result, k * outputs + c), at(values, chunk * value_stride + k), value_stride,
    )
    k += 1
"""


@cache
def _lanes(real: str) -> int:
    """Columns of one vector register."""
    width = 64 if llvm.get_host_cpu_features().get("avx512f") else 32
    return width // (4 if real == "float32" else 8)


def _listing() -> str:
    modern = llvm.llvm_version_info >= (19,)
    return "vectors" if modern and llvm.get_host_cpu_features().get("avx512f") else "bits"


def _blocks(template: str, real: str, outputs: int, weighted: bool) -> tuple[str, str]:
    """Definitions of the sums, and the loops over blocks of columns: full ones, then what is left over."""
    lanes = _lanes(real)
    full = lanes * _ACCUMULATORS
    rest = outputs % full
    narrow = (lanes,) * (rest // lanes) + ((rest % lanes,) if rest % lanes else ())
    definitions = f"add_full = sum_of_rows({(lanes,) * _ACCUMULATORS}, {weighted})\n"
    body = template.strip().format(add="add_full", room=ROOM)
    lines = [f"c = int64({0})", f"while c + {full} <= outputs:", textwrap.indent(body, "    "), f"    c += {full}"]
    if rest:
        definitions += f"add_rest = sum_of_rows({narrow}, {weighted})\n"
        lines += template.strip().format(add="add_rest", room=ROOM).splitlines()
    return definitions, textwrap.indent("\n".join(lines), " " * 8)


_INDEX, _PLACE = ["int64"], ctypes.create_string_buffer(64)
_RESULT = ctypes.addressof(_PLACE)


@cache
def _header() -> str:
    # The cached code depends on the words too.
    text = Path(__file__).with_name("_words.py").read_bytes()
    return f"# words {hashlib.sha256(text).hexdigest()}\nfrom {__package__}._words import *\n"


def _callable(source: str, name: str, kinds: list[str]) -> Any:
    address = address_of(_header() + source, name, kinds)
    c_types = [ctypes.c_int64 if kind == "int64" else ctypes.c_void_p for kind in kinds]
    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *c_types)(address)
    return lambda *arguments: function(_RESULT, _RESULT, *arguments)


@cache
def packing(dtype: torch.dtype) -> Any:
    """pack(lo, hi, columns, words, stride, x, bits, counts): one bit per number, set where it is not zero.

    A count is of the row's bits, or minus one minus it where a number is neither 0 nor 1.
    """
    integer, one = LAYOUTS[dtype]
    magnitude = (1 << (8 * dtype.itemsize - 1)) - 1
    source = _PACK.format(integer=f"np.{integer}", one=one, magnitude=magnitude)
    return _callable(source, "pack", _INDEX * 5 + [f"{integer}*", "uint32*", "int64*"])


@cache
def unpacking(dtype: torch.dtype) -> Any:
    """unpack(lo, hi, columns, words, bits, x)."""
    integer, one = LAYOUTS[dtype]
    source = _UNPACK.format(integer=f"np.{integer}", one=one)
    return _callable(source, "unpack", _INDEX * 4 + ["uint32*", f"{integer}*"])


@cache
def patching() -> Any:
    """patches(lo, hi, words, sizes of image, output, kernel, stride, dilation and padding, bits, result)."""
    return _callable(_PATCHES, "patches", _INDEX * 15 + ["uint32*", "uint32*"])


@cache
def forward_sums(real: str, outputs: int, weighted: bool) -> Any:
    """forward(lo, hi, columns, words, outputs, bits, weight, bias, y, values, value_stride, chosen, counts)."""
    definitions, blocks = _blocks(_FORWARD_BLOCK, real, outputs, weighted)
    listing = textwrap.indent(_LISTINGS[_listing()].strip(), " " * 16)
    source = definitions + _FORWARD.format(tile=TILE, word=WORD, blocks=blocks, listing=listing)
    pointers = ["uint32*", *[f"{real}*"] * 4, "int64", "uint32*", "int64*"]
    return _callable(source, "forward", _INDEX * 5 + pointers)


@cache
def weight_sums(real: str, outputs: int, weighted: bool) -> Any:
    """weight(lo, hi, rows, inputs, words, outputs, bits, grad, result, values, value_stride, chosen, counts, block)."""
    definitions, blocks = _blocks(_WEIGHT_BLOCK, real, outputs, weighted)
    listing = textwrap.indent(_LISTINGS[_listing()].strip(), " " * 24)
    source = definitions + _WEIGHT.format(chunk=CHUNK, room=ROOM, blocks=blocks, listing=listing)
    pointers = ["uint32*", *[f"{real}*"] * 3, "int64", "uint32*", "int64*", "uint32*"]
    return _callable(source, "weight", _INDEX * 6 + pointers)
