"""Downloads that resume: a partial file is continued, and takes its name only when it is whole."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from spikeloom.errors import DataError

_BLOCK = 1 << 16
_ATTEMPTS = 3


def download(addresses: tuple[str, ...], path: Path, *, verify: Callable[[Path], None], timeout: float = 20.0) -> Path:
    """Fetch a file from the first address that serves it whole and right.

    Bytes go to `path` with ".part" added; what an interrupted call left there is continued with an HTTP range request.
    When all bytes are there and `verify` raises no DataError, the file gets its name in one step.
    Units: timeout in seconds, for each wait on the network.
    Raises: DataError that says what each address answered.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    answers = []
    for address in addresses:
        try:
            return _fetch_verified(address, path, verify, timeout)
        except (OSError, http.client.HTTPException, DataError) as error:
            answers.append(f"{address}: {error}")
    raise DataError(f"download of {path.name}", expected="a file from one of its addresses", got="; ".join(answers))


def _fetch_verified(address: str, path: Path, verify: Callable[[Path], None], timeout: float) -> Path:
    part = path.with_name(path.name + ".part")
    resumed = part.exists()
    _fetch(address, part, timeout)
    try:
        verify(part)
    except DataError:
        part.unlink()
        if not resumed:
            raise
        # The beginning may have come from another version or address: once more, from the first byte.
        _fetch(address, part, timeout)
        verify(part)
    return part.replace(path)


def _fetch(address: str, part: Path, timeout: float) -> None:
    """Bring the partial file to its full length, asking again where the connection breaks off."""
    for attempt in range(_ATTEMPTS):
        before = part.stat().st_size if part.exists() else 0
        try:
            return _transfer(address, part, timeout)
        except (urllib.error.HTTPError, TimeoutError):
            raise
        except (OSError, http.client.HTTPException):
            arrived = part.stat().st_size if part.exists() else 0
            if arrived <= before or attempt == _ATTEMPTS - 1:
                raise


def _transfer(address: str, part: Path, timeout: float) -> None:
    """Append to the partial file what is missing; raise ConnectionError if it ends early."""
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "spikeloom"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is left to fetch; whether what is there is right, the checksum tells
        raise
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT or _range_start(response) != start:
            start = 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length is not None else None
        _write(response, part, start, total)
    if total is not None and part.stat().st_size < total:
        raise ConnectionError(f"the connection ended after {part.stat().st_size} of {total} bytes")


def _write(response: http.client.HTTPResponse, part: Path, start: int, total: int | None) -> None:
    # Imported here because only a download needs it, and an import of the library should be quick.
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, transient=True) as progress, part.open("ab" if start else "wb") as file:
        task = progress.add_task(part.stem, total=total, completed=start)
        while block := response.read(_BLOCK):
            file.write(block)
            progress.advance(task, len(block))


def _range_start(response: http.client.HTTPResponse) -> int:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else -1
