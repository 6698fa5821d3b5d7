"""The idx format of MNIST: a header of sizes, then the numbers, perhaps gzipped."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikeloom.errors import DataError

_GZIP = b"\x1f\x8b"
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def unpack(path: Path) -> bytes:
    """The bytes of a file, unpacked if it is gzipped (told by its content, not by its name).

    Raises: DataError (unreadable file, damaged gzip).
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            str(path), expected="a whole gzip file", got=str(error), do="delete and fetch it again"
        ) from error
    except OSError as error:
        raise DataError(str(path), expected="a readable file", got=str(error)) from error


def parse_idx(content: bytes, source: str) -> NDArray[np.generic]:
    """The array that idx content holds; `source` names it in errors.

    Format: two zero bytes, a byte for the type, a byte for the number of axes n, n sizes as 32-bit big-endian, then the
    numbers, big-endian, last axis fastest.
    Raises: DataError (wrong magic number, unknown type, truncated, surplus bytes).

    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "two numbers").tolist()
    [7, 9]

    Reference: LeCun, Cortes and Burges, The MNIST database of handwritten digits, section "File formats".
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        got = content[:4].hex(" ") or "nothing"
        raise DataError(source, expected="idx data, which starts 00 00 TYPE AXES", got=got, do="fetch it again")
    dtype, axes = np.dtype(_DTYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(source, expected=f"{start} bytes of idx header", got=f"{len(content)}", do="fetch it again")
    shape = struct.unpack(f">{axes}I", content[4:start])
    size = math.prod(shape) * dtype.itemsize
    if len(content) - start != size:
        kind = "truncated" if len(content) - start < size else "surplus"
        got = f"{len(content) - start} bytes ({kind})"
        raise DataError(source, expected=f"{size} bytes of numbers for shape {shape}", got=got, do="fetch it again")
    return np.frombuffer(content, dtype, offset=start).reshape(shape)
