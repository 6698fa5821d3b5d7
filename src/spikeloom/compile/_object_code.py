"""From a kernel's Python source to machine code in memory, by way of a cache of object files on disk.

Numba turns the source into optimised LLVM code, llvmlite into an object file. Later processes link the object file
alone, in milliseconds and without importing Numba.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm
import platformdirs

_MAGIC = b"spikeloom kernel 1\n"
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
    path = cache_folder() / f"{name}-{key[:32]}.kernel"
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
    files = ("_kernel_language.py", "_object_code.py", "_vector_math.py")
    language = (Path(__file__).with_name(file).read_text() for file in files)
    return (*versions, *language, llvm.get_process_triple(), llvm.get_host_cpu_name(), features)


def _read(path: Path) -> bytes | None:
    """Cached symbol and object code, or None where the file is missing or its digest does not fit."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, code = content[len(_MAGIC) : len(_MAGIC) + 32], content[len(_MAGIC) + 32 :]
    intact = content.startswith(_MAGIC) and hashlib.sha256(code).digest() == digest
    return code if intact else None


def _write(path: Path, code: bytes) -> None:
    """Replace the file in one step, so that no other process ever reads half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            whole = Path(folder) / path.name
            whole.write_bytes(_MAGIC + hashlib.sha256(code).digest() + code)
            os.replace(whole, path)
    except OSError as error:
        message = f"kernels are compiled anew in each process: {path.parent} is not writable ({error.strerror})"
        warnings.warn(f"{message}; set SPIKELOOM_CACHE_DIR to a folder that is", RuntimeWarning, stacklevel=2)


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
