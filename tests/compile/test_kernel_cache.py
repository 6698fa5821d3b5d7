"""The disk cache of kernels: damaged files are rebuilt, what cannot be written is said, processes do not collide."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile import _object_code, _plan, cache_folder

SCRIPT = """
import sys, time, torch, spikeloom as sl
before = time.perf_counter()
y = sl.LIF(tau_mem=2.0)(torch.linspace(0, 3, 60).view(20, 1, 3))
elapsed = time.perf_counter() - before
print(int(y.sum()), "numba" in sys.modules, f"{elapsed:.3f}")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache for this test, and a process that has linked no kernel yet."""
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(tmp_path / "kernels"))
    forget(monkeypatch)
    yield tmp_path / "kernels"


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: no kernel is in memory."""
    monkeypatch.setattr(_plan, "_kernels", {})
    monkeypatch.setattr(_plan, "_plans", {})


def spikes() -> Tensor:
    with torch.no_grad():
        return sl.LIF(tau_mem=2.0)(torch.linspace(0, 3, 60).view(20, 1, 3))


def test_a_kernel_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = spikes()
    (file,) = folder.iterdir()
    assert file.suffix == ".kernel"
    forget(monkeypatch)
    monkeypatch.setattr(_object_code, "_compile", lambda *_: pytest.fail("compiled again"))
    assert torch.equal(spikes(), wanted)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "garbage": lambda content: b"not a kernel" * 100,
    "truncated": lambda content: content[: len(content) // 2],
    "one byte short": lambda content: content[:-1],
    "one byte more": lambda content: content + b"\0",
    "header alone": lambda content: content[:20],
    "a bit flipped in the code": lambda content: flipped(content, len(content) // 2),
    "a bit flipped in the digest": lambda content: flipped(content, 25),
    "a bit flipped in the header": lambda content: flipped(content, 3),
    "zeros": lambda content: bytes(len(content)),
}


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_rebuilt(damage: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = spikes()
    (file,) = folder.iterdir()
    intact = file.read_bytes()
    file.write_bytes(DAMAGE[damage](intact))
    forget(monkeypatch)
    assert torch.equal(spikes(), wanted)
    assert file.stat().st_size > 1000
    assert [path.name for path in folder.iterdir()] == [file.name]
    forget(monkeypatch)
    monkeypatch.setattr(_object_code, "_compile", lambda *_: pytest.fail("what was rebuilt is damaged too"))
    assert torch.equal(spikes(), wanted)


def test_a_folder_that_cannot_be_written_is_said_and_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder below a file, which not even root can make.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    forget(monkeypatch)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        first, second = spikes(), spikes()
    assert torch.equal(first, second)
    assert [w.category for w in caught] == [RuntimeWarning]
    assert "SPIKELOOM_CACHE_DIR" in str(caught[0].message)
    assert str(tmp_path / "file" / "kernels") in str(caught[0].message)


def out_of_space(*_arguments: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def denied(*_arguments: object, **_options: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_a_full_disk_is_said_and_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fdopen

    class Full:
        """A file whose first bytes still fit."""

        def __init__(self, handle: int, mode: str) -> None:
            self.file = real(handle, mode)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> None:
            self.file.write(content[:100])
            out_of_space()

    monkeypatch.setattr(_object_code.os, "fdopen", Full)
    with pytest.warns(RuntimeWarning, match="No space left"):
        first = spikes()
    assert list(folder.iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(folder))
    forget(monkeypatch)
    assert torch.equal(spikes(), first)
    assert len(list(folder.iterdir())) == 1


def test_kernels_in_a_read_only_folder_are_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions do not bind root: what they would refuse is refused here.
    wanted = spikes()
    for name in ("utime", "replace"):
        monkeypatch.setattr(_object_code.os, name, denied)
    monkeypatch.setattr(_object_code.tempfile, "mkstemp", denied)
    forget(monkeypatch)
    monkeypatch.setattr(_object_code, "_compile", lambda *_: pytest.fail("compiled again"))
    assert torch.equal(spikes(), wanted)


def test_a_read_only_folder_without_the_kernel_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_object_code.tempfile, "mkstemp", denied)
    with pytest.warns(RuntimeWarning, match="Permission denied"):
        spikes()


def test_a_file_that_another_process_wrote_meanwhile_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As on Windows, where a file that is being read cannot be replaced.
    spikes()
    (file,) = folder.iterdir()
    intact = file.read_bytes()
    file.unlink()
    forget(monkeypatch)

    def beaten(part: str, path: Path) -> None:
        path.write_bytes(intact)
        denied()

    monkeypatch.setattr(_object_code.os, "replace", beaten)
    spikes()  # warnings are errors
    assert [path.name for path in folder.iterdir()] == [file.name]


def filled(folder: Path, sizes: list[int]) -> list[Path]:
    """Files of kernels, each used a minute after the one before."""
    folder.mkdir(parents=True)
    files = [folder / f"{index}.kernel" for index in range(len(sizes))]
    for index, (file, size) in enumerate(zip(files, sizes, strict=True)):
        file.write_bytes(bytes(size))
        os.utime(file, (time.time() - 6000 + 60 * index,) * 2)
    return files


def test_the_least_recently_used_go_first(folder: Path) -> None:
    files = filled(folder, [100, 100, 100, 100])
    os.utime(files[0])
    assert _object_code.cached_kernels() == [*files[1:], files[0]]
    assert _object_code.prune(limit=400) == 0
    assert _object_code.prune(limit=250) == 2
    assert _object_code.cached_kernels() == [files[3], files[0]]
    assert _object_code.prune(limit=0) == 2
    assert _object_code.prune(limit=0) == 0


def test_a_new_kernel_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = filled(folder, [100])[0]
    monkeypatch.setattr(_object_code.prune, "__defaults__", (50_000,))
    spikes()
    assert old.exists()
    forget(monkeypatch)
    monkeypatch.setattr(_object_code.prune, "__defaults__", (1,))
    for file in folder.iterdir():
        if file != old:
            file.unlink()
    spikes()
    assert list(folder.iterdir()) == []


def test_using_a_kernel_keeps_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spikes()
    (file,) = folder.iterdir()
    os.utime(file, (0, 0))
    forget(monkeypatch)
    spikes()
    assert file.stat().st_mtime > time.time() - 600


def test_what_killed_processes_left_is_removed(folder: Path) -> None:
    folder.mkdir(parents=True)
    fresh, abandoned = folder / "fresh.part", folder / "abandoned.part"
    for file in (fresh, abandoned):
        file.write_bytes(b"half")
    os.utime(abandoned, (time.time() - 7200,) * 2)
    assert _object_code.prune() == 1
    assert list(folder.iterdir()) == [fresh]


@pytest.mark.parametrize("place", ["missing", "file/below"])
def test_a_cache_that_is_not_there_is_empty(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(tmp_path / place))
    assert _object_code.cached_kernels() == []
    assert _object_code.prune() == 0


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("SPIKELOOM_CACHE_DIR")
    assert cache_folder().parts[-2:] == ("spikeloom", "kernels")


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "SPIKELOOM_CACHE_DIR": str(folder)}
    command = [sys.executable, "-W", "error", "-c", SCRIPT]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> list[str]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.split()


def test_processes_that_compile_at_once_and_one_that_comes_later(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "kernels"
    together = [start(folder), start(folder)]
    first, second = (finished(process) for process in together)
    assert first[0] == second[0]
    assert len(list(folder.iterdir())) == 1
    later = finished(start(folder))
    assert later[0] == first[0]
    assert later[1] == "False", "numba was imported although the kernel is in the cache"
    record_property("seconds of the first call, compiled", first[2])
    record_property("seconds of the first call, cached", later[2])
