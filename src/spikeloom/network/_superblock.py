"""The first bytes of an HDF5 file, which say that somebody writes it, also after that process has died.

HDF5 then refuses to open the file, although single-writer mode has kept it consistent; its own cure is the command
`h5clear -s`. Source: HDF5 File Format Specification 3.0, II.A.4 (superblock of version 3), III.A (checksum: Jenkins's
lookup3 of 2006, `hashlittle`).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

# Signature, version 3, sizes of addresses and of lengths; the byte of flags follows, the checksum is at the end.
_BEGINNING, _FLAGS, _CHECKED, _SIZE = b"\x89HDF\r\n\x1a\n\x03\x08\x08", 11, 44, 48


def clean(superblock: bytes) -> bytes | None:
    """The same without flags; None where it is no superblock of version 3."""
    if len(superblock) < _SIZE or not superblock.startswith(_BEGINNING):
        return None
    checked = superblock[:_FLAGS] + b"\0" + superblock[_FLAGS + 1 : _CHECKED]
    return checked + checksum(checked).to_bytes(4, "little")


def checksum(data: bytes) -> int:
    """The 32 bits of lookup3's `hashlittle` with an initial value of 0.

    >>> hex(checksum(b"Four score and seven years ago"))
    '0x17770551'
    """
    a = b = c = 0xDEADBEEF + len(data) & 0xFFFFFFFF
    padded = data + bytes(-len(data) % 12)
    for k in range(0, len(padded), 12):
        words = [int.from_bytes(padded[k + j : k + j + 4], "little") for j in (0, 4, 8)]
        a, b, c = (x + y & 0xFFFFFFFF for x, y in zip((a, b, c), words, strict=True))
        a, b, c = _final(a, b, c) if k + 12 == len(padded) else _mix(a, b, c)
    return c


def _turned(x: int, bits: int) -> int:
    return (x << bits | x >> 32 - bits) & 0xFFFFFFFF


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = (a - c & 0xFFFFFFFF) ^ _turned(c, bits)
        a, b, c = b, c + b & 0xFFFFFFFF, a
    return a, b, c


def _final(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - _turned(b, bits) & 0xFFFFFFFF
        a, b, c = b, c, a
    return c, a, b


class Unflagged(io.FileIO):
    """A file for reading that shows a clean superblock; h5py opens it as it opens a path."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self.beginning = clean(super().read(_SIZE)) or b""

    def readinto(self, buffer: Any, /) -> int:
        """As of any file, but for the beginning."""
        at = self.tell()
        count = super().readinto(buffer) or 0
        covered = self.beginning[at : at + count]
        memoryview(buffer).cast("B")[: len(covered)] = covered
        return count


def unflag(path: Path) -> None:
    """Clean the superblock on the disk, before a file of a process that has died is written again."""
    with open(path, "r+b") as file:
        cleaned = clean(file.read(_SIZE))
        if cleaned is not None:
            file.seek(0)
            file.write(cleaned)
