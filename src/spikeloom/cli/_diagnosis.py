"""What `spikeloom doctor` finds out: the machine, the cache of kernels, and whether each back end computes right."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import llvmlite.binding as llvm
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom._machine import processor as processor
from spikeloom._machine import versions as versions
from spikeloom.compile._backend import BACKENDS
from spikeloom.compile._object_code import cache_folder, cached_kernels

# Those that decide how fast kernels and products are.
_FEATURES = ("avx2", "fma", "avx512f", "avx512bf16", "amx-bf16", "neon", "sve", "bf16")
# Steps, batch and neurons of the check: an odd size, about a million updates; few where Triton is interpreted.
_SIZE, _SMALL = (16, 2, 32_771), (4, 2, 67)
# Largest fraction of spikes that may differ, and error of the gradient relative to its largest value.
SPIKES, GRADIENT = 1e-5, 1e-5
REFERENCE = "reference"


@dataclass(frozen=True)
class Check:
    """One back end on one device: why it does not run, or how fast and how right it is."""

    backend: str
    device: str
    unsupported: str = ""
    error: str = ""
    first_call_s: float | None = None
    milliseconds: float | None = None
    spikes_differing: float | None = None
    gradient_error: float | None = None

    @property
    def failed(self) -> bool:
        """Whether it should run and does not, or computes something else than the reference."""
        exact = (self.spikes_differing or 0.0) <= SPIKES and (self.gradient_error or 0.0) <= GRADIENT
        return bool(self.error) or not exact


def machine() -> dict[str, object]:
    """System, processor, threads and devices."""
    features = llvm.get_host_cpu_features()
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": f"{processor()} ({llvm.get_host_cpu_name()})",
        "features": [name for name in _FEATURES if features.get(name)],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "devices": {str(device): _device_name(device) for device in devices()},
    }


def devices() -> list[torch.device]:
    """Those that kernels could run on."""
    kinds = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    return [torch.device(kind) for kind in kinds]


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor()


def cache() -> dict[str, object]:
    """The folder of compiled kernels, what is in it, and why it cannot be written if it cannot."""
    kernels = cached_kernels()
    return {
        "folder": str(cache_folder()),
        "kernels": len(kernels),
        "bytes": sum(path.stat().st_size for path in kernels),
        "not_writable": _why_not_writable(cache_folder()),
    }


def _why_not_writable(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def checks() -> Iterator[Check]:
    """A LIF layer, forward and backward, on every back end of every device, against the reference."""
    for device in devices():
        for name, back_end in BACKENDS.items():
            unsupported = back_end.supports(device)
            if unsupported:
                yield Check(name, str(device), unsupported=unsupported)
            else:
                yield _checked(name, device)


def _checked(name: str, device: torch.device) -> Check:
    generator = torch.Generator().manual_seed(0)
    interpreted = name == "triton" and device.type == "cpu"
    x = (torch.randn(_SMALL if interpreted else _SIZE, generator=generator) * 4 + 1).to(device)
    upstream = torch.randn(x.shape, generator=generator).to(device)
    try:
        seconds = [_seconds(name, x, upstream) for _ in range(6)]
        spikes, gradient = _run(name, x, upstream)
    except Exception as error:  # whatever a broken installation raises is the finding
        return Check(name, str(device), error=f"{type(error).__name__}: {error}")
    usual = median(seconds[1:])
    wanted_spikes, wanted = _run(REFERENCE, x, upstream)
    return Check(
        backend=name,
        device=str(device),
        first_call_s=max(0.0, seconds[0] - usual),
        milliseconds=usual * 1e3,
        spikes_differing=(spikes != wanted_spikes).double().mean().item(),
        gradient_error=((gradient - wanted).abs().max() / wanted.abs().max()).nan_to_num(nan=torch.finfo().max).item(),
    )


def _run(name: str, x: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
    leaf = x.detach().requires_grad_()
    with sl.backend(name):
        spikes = sl.LIF(tau_mem=5.0)(leaf)
    return spikes.detach(), torch.autograd.grad(spikes, leaf, upstream)[0]


def _seconds(name: str, x: Tensor, upstream: Tensor) -> float:
    start = time.perf_counter()
    _run(name, x, upstream)
    if x.device.type == "cuda":
        torch.cuda.synchronize(x.device)
    return time.perf_counter() - start
