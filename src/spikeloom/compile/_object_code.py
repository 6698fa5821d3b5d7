"""From a kernel's Python source to machine code in memory, by way of a cache of object files on disk.

Numba turns the source into optimised LLVM code, llvmlite into an object file. Later processes link the object file
alone, in milliseconds and without importing Numba.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm
import platformdirs

_MAGIC = b"spikeloom kernel 1\n"
_SUFFIX, _UNFINISHED = ".kernel", ".part"
# Kernels are a few tens of kilobytes; those of other versions are never asked for again.
_LIMIT = 256 << 20
# Seconds after which an unfinished file belongs to a process that was killed.
_ABANDONED = 3600.0
# Files, beside this one, whose contents decide what code a source becomes.
_LANGUAGE = ("_kernel_language.py", "_object_code.py", "_vector_*.py", "_*_words.py")
_engines: list[llvm.ExecutionEngine] = []


def cache_folder() -> Path:
    """Where kernels are kept: $SPIKELOOM_CACHE_DIR, or the user's cache folder of the platform."""
    named = os.environ.get("SPIKELOOM_CACHE_DIR")
    return Path(named) if named else Path(platformdirs.user_cache_dir("spikeloom", appauthor=False)) / "kernels"


def address_of(source: str, name: str, arguments: Sequence[str]) -> int:
    """Address of the C function `int name(void*, void*, *arguments)` compiled from `source`.

    Arguments are types: "int64", "float32", "float64", or a pointer such as "float32*".
    """
    key = hashlib.sha256("\n".join([*_circumstances(), *arguments, source]).encode()).hexdigest()
    path = cache_folder() / f"{name}-{key[:32]}{_SUFFIX}"
    code = _read(path)
    if code is None:
        code = _compile(source, name, arguments)
        _write(path, code)
    return _link(code)


@cache
def _circumstances() -> tuple[str, ...]:
    """What compiled code depends on besides its source."""
    versions = (f"{package} {version(package)}" for package in ("numba", "llvmlite"))
    features = llvm.get_host_cpu_features().flatten()
    # Kernels are compiled with what these files say.
    files = (file for pattern in _LANGUAGE for file in sorted(Path(__file__).parent.glob(pattern)))
    language = (file.read_text(encoding="utf-8") for file in files)
    return (*versions, *language, llvm.get_process_triple(), llvm.get_host_cpu_name(), features)


def _read(path: Path) -> bytes | None:
    """Cached symbol and object code, or None where the file is missing or its digest does not fit."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, code = content[len(_MAGIC) : len(_MAGIC) + 32], content[len(_MAGIC) + 32 :]
    if not content.startswith(_MAGIC) or hashlib.sha256(code).digest() != digest:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # read last, removed last
    return code


def _write(path: Path, code: bytes) -> None:
    """Replace the file in one step, so that no other process ever reads half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(suffix=_UNFINISHED, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(code).digest() + code)
            os.replace(part, path)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise
        prune()
    except OSError as error:
        if _read(path) is not None:
            return  # another process was faster, and Windows replaces no file that is being read
        message = f"kernels are compiled anew in each process: {path.parent} cannot be written ({error.strerror})"
        warnings.warn(f"{message}; set SPIKELOOM_CACHE_DIR to a folder that can", RuntimeWarning, stacklevel=2)


def cached_kernels() -> list[Path]:
    """The files of the cache, the most recently used last."""
    return [path for _, _, path in _listed(_SUFFIX)]


def prune(limit: int = _LIMIT) -> int:
    """Remove the least recently used kernels beyond `limit` bytes, and what killed processes left; return how many."""
    kernels = _listed(_SUFFIX)
    excess = sum(size for _, size, _ in kernels) - limit
    doomed = [path for used, _, path in _listed(_UNFINISHED) if used < time.time() - _ABANDONED]
    for _, size, path in kernels:
        if excess <= 0:
            break
        doomed.append(path)
        excess -= size
    for path in doomed:
        with contextlib.suppress(OSError):
            path.unlink()
    return len(doomed)


def _listed(suffix: str) -> list[tuple[float, int, Path]]:
    """Time of use, size and path of files in the cache folder, in order of use."""
    found = []
    for path in cache_folder().glob(f"*{suffix}"):
        with contextlib.suppress(OSError):  # removed by another process meanwhile
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    return sorted(found)


def _compile(source: str, name: str, arguments: Sequence[str]) -> bytes:
    """Symbol, newline, object code."""
    # Numba takes long to import and is not needed where every kernel comes from the cache.
    from . import _kernel_language as language

    _set_vectoriser()
    namespace = dict(vars(language))
    exec(compile(source, f"<kernel {name}>", "exec"), namespace)
    function: Callable[..., None] = namespace[name]
    text = language.optimised(function, arguments)
    module = llvm.parse_assembly(text)
    symbols = [f.name for f in module.functions if not f.is_declaration and name in f.name]
    return bytes(symbols[0].encode() + b"\n" + _machine(module.triple).emit_object(module))


@cache
def _set_vectoriser() -> None:
    """A vectorised loop first checks that its streams do not overlap; see to it that the check is made, and passes."""
    # By default LLVM gives up at more than eight comparisons, ...
    llvm.set_option("", "--runtime-memory-check-threshold=1000")
    # ... and moves the check before the loop over time, where time that runs backwards always fails it.
    llvm.set_option("", "--hoist-runtime-checks=false")


def _machine(triple: str) -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(triple or llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
        codemodel="jitdefault",
    )


def _link(code: bytes) -> int:
    symbol, _, object_code = code.partition(b"\n")
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(""))
    engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
    engine.finalize_object()
    _engines.append(engine)  # code lives as long as its engine
    return int(engine.get_function_address(symbol.decode()))
