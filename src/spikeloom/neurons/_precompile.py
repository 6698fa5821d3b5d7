"""Kernels compiled before they are asked for, in other processes.

Threads would not help: Numba and LLVM each hold one lock for a whole process (two threads took 2.3 s for eight kernels
that take one thread 2.1 s).
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import BackendError, DTypeError, ParameterError
from .neuron import Neuron

# A process imports for two seconds before its first kernel, so it should have several to compile.
_WORTHWHILE = 3
_Job = tuple[int, bytes, str]


class Compiled(NamedTuple):
    """A neuron whose kernels are in the cache now, or why they are not."""

    neuron: Neuron
    error: str = ""


class Precompilation:
    """Kernels that other processes are compiling."""

    def __init__(self, neurons: tuple[Neuron, ...], dtype: torch.dtype, processes: int) -> None:
        self._neurons, self._left = neurons, len(neurons)
        self._results: SimpleQueue[Compiled] = SimpleQueue()
        name = str(dtype).removeprefix("torch.")
        jobs = [(index, pickle.dumps(neuron), name) for index, neuron in enumerate(neurons)]
        for first in range(processes):
            share = jobs[first::processes]
            Thread(target=self._follow, args=(_started(share), share), daemon=True).start()

    def _follow(self, worker: subprocess.Popen[bytes], share: list[_Job]) -> None:
        """Pass on what a process reports, and answer for what it leaves open."""
        left = {index for index, _, _ in share}
        with worker:
            assert worker.stdin is not None and worker.stdout is not None
            try:
                pickle.dump(share, worker.stdin)
                worker.stdin.close()
            except OSError:
                pass  # it ended at once, which is told below
            for line in worker.stdout:
                index, error = json.loads(line)
                left.discard(index)
                self._results.put(Compiled(self._neurons[index], error))
        for index in left:
            self._results.put(Compiled(self._neurons[index], f"its process ended with code {worker.returncode}"))

    def finished(self) -> Iterator[Compiled]:
        """Each neuron as soon as its kernels are in the cache, or could not be compiled; each once."""
        while self._left:
            self._left -= 1
            yield self._results.get()

    def wait(self) -> None:
        """Return when all kernels are in the cache. Raises: BackendError, naming those that could not be compiled."""
        failed = [f"{neuron!r}: {error}" for neuron, error in self.finished() if error]
        if failed:
            raise BackendError("kernels that could not be compiled", got="; ".join(failed))


def precompile(*neurons: Neuron, dtype: torch.dtype = torch.float32, processes: int | None = None) -> Precompilation:
    """Begin to compile the kernels of `neurons`, for training and for inference, into the disk cache.

    Returns at once; other processes, by default up to one for each core, do the work, and calls of the neurons
    meanwhile compile for themselves what is not yet there. `dtype` is that of the input. A neuron's class must be one
    that another process can import, not one of a script or notebook.

    Raises: DTypeError, ParameterError.

    >>> import spikeloom as sl
    >>> sl.neurons.precompile(sl.LIF(), sl.IF()).wait()
    """
    for neuron in neurons:
        if not isinstance(neuron, Neuron):
            raise DTypeError(
                "precompile", expected="neurons", got=repr(neuron), do="pass layer.neuron, or unpack a list"
            )
    if processes is not None and processes < 1:
        raise ParameterError("processes of precompile", expected="at least 1", got=processes)
    sensible = max(1, min(os.cpu_count() or 1, -(-len(neurons) // _WORTHWHILE)))
    return Precompilation(neurons, dtype, min(processes or sensible, max(1, len(neurons))))


def _started(share: list[_Job]) -> subprocess.Popen[bytes]:
    """A process that works through its share; not one of `multiprocessing`, which would run the user's script again."""
    command = [sys.executable, "-c", f"from {__name__} import work; work()"]
    # It finds what this process finds.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def work() -> None:
    """Compile the jobs on standard input; report each as a line of JSON on standard output."""
    jobs: list[_Job] = pickle.load(sys.stdin.buffer)
    report = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # Whatever else prints must not mingle with the reports.
    sys.stdout = sys.stderr
    for index, pickled, dtype in jobs:
        error = ""
        try:
            compile_now(pickle.loads(pickled), getattr(torch, dtype))
        except Exception as reason:
            error = f"{type(reason).__name__}: {reason}"
        print(json.dumps([index, error]), file=report, flush=True)


def compile_now(neuron: Neuron, dtype: torch.dtype) -> None:
    """Compile the kernels of one neuron in this process, for training and for inference."""
    tensors = [value.shape for value in neuron.param_values().values() if isinstance(value, Tensor)]
    features = max(tensors, key=len, default=torch.Size())
    inputs = [torch.zeros(1, 1, *features, dtype=dtype) for _ in neuron.inputs]
    with torch.no_grad():
        neuron.plan(*inputs)
    neuron.plan(*(x.requires_grad_() for x in inputs))
