"""A tiny data set in idx files, and a server on this machine that can break off, refuse ranges and serve damage."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from spikeloom.datasets import IdxSet


def idx(array: np.ndarray) -> bytes:
    """Unsigned bytes in the idx format."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@dataclass
class Server:
    """What is served by path, and how."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    partial_from_start: bool = False  # answers a range request with a range, but another one
    breaks: list[int] = field(default_factory=list)  # bytes after which each of the next answers breaks off
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # paths and Range headers


def _handler(server: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            content = server.files.get(self.path)
            if content is None:
                return self.send_error(404)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else 0
            partial = bool(start)
            start = 0 if server.partial_from_start else start
            if start and start >= len(content):
                return self.send_error(416)
            self.send_response(206 if partial else 200)
            if partial:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            length = server.breaks.pop(0) if server.breaks else len(content)
            self.wfile.write(content[start:][:length])

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.address = f"http://127.0.0.1:{httpd.server_address[1]}/"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def contents() -> dict[str, bytes]:
    """The unpacked files of a set of 20 + 5 images of 4 x 3 pixels."""
    draw = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte": idx(draw.integers(0, 256, (20, 4, 3))),
        "train-labels-idx1-ubyte": idx(np.arange(20) % 2),
        "t10k-images-idx3-ubyte": idx(draw.integers(0, 256, (5, 4, 3))),
        "t10k-labels-idx1-ubyte": idx(np.arange(5) % 2),
    }


@pytest.fixture
def tiny(server: Server, contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IdxSet:
    """That set, served by this machine only; the user's folder is a temporary one."""
    monkeypatch.delenv("SPIKELOOM_DATA", raising=False)
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "user"))
    server.files = {f"/{name}.gz": gzip.compress(content) for name, content in contents.items()}
    return IdxSet(
        name="tiny",
        classes=("even", "odd"),
        addresses=(server.address,),
        sha256={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        licence="CC0",
        citation="",
    )
