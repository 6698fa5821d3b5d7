"""Buffers that are used again: never while anything still looks at them, nor by two processes at once."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile import _memory

LARGE = _memory._LARGE // 4


@pytest.fixture(autouse=True)
def no_idle_blocks() -> Iterator[None]:
    """Blocks that other tests left would be taken first."""
    gc.collect()
    _memory._returned.clear()
    _memory._idle.clear()
    yield


def buffer(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return _memory.empty(*shape, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bool])
@pytest.mark.parametrize(
    "shape", [(0,), (3, 0), (5,), (3, 1000), (4, LARGE), (LARGE,), (LARGE + 1,), (7, 3, 99_999)], ids=str
)
def test_shape_and_dtype(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    x = buffer(*shape, dtype=dtype)
    assert (x.shape, x.dtype) == (torch.Size(shape), dtype)
    assert x.is_contiguous()
    assert (x.fill_(1) == 1).all()


def test_a_block_is_used_again_when_its_tensor_is_gone() -> None:
    x = buffer(4, LARGE)
    address = x.data_ptr()
    del x
    assert buffer(4, LARGE).data_ptr() == address


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x[1:],
        lambda x: x.view(-1)[5:6],
        lambda x: x.t(),
        lambda x: x.detach(),
        lambda x: x.numpy(),
        lambda x: x.numpy()[2],
        lambda x: x.untyped_storage(),
        lambda x: memoryview(x.numpy()),
    ],
    ids=["slice", "element", "transposed", "detached", "array", "row of the array", "storage", "memory view"],
)
def test_a_block_is_not_used_while_something_looks_at_it(look) -> None:  # type: ignore[no-untyped-def]
    x = buffer(4, LARGE)
    address = x.data_ptr()
    view = look(x)
    del x
    gc.collect()
    assert buffer(4, LARGE).data_ptr() != address
    del view
    gc.collect()
    assert buffer(4, LARGE).data_ptr() == address


def test_results_that_are_kept_do_not_change() -> None:
    neuron, x = sl.LIF(tau_mem=2.0), torch.rand(8, 1, 100_000) * 3
    with torch.no_grad():
        first = neuron(x)
        kept = first.clone()
        for _ in range(4):
            neuron(1 - x)
    assert torch.equal(first, kept)


def test_what_is_kept_for_the_backward_pass_does_not_change() -> None:
    neuron = sl.LIF(tau_mem=2.0)
    x = (torch.rand(8, 1, 100_000, generator=torch.Generator().manual_seed(0)) * 3).requires_grad_()
    (wanted,) = torch.autograd.grad(neuron(x).sum(), x)
    y = neuron(x)
    for _ in range(4):
        neuron((1 - x).detach().requires_grad_()).sum().backward()
    (found,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(found, wanted)


def test_live_tensors_never_share_memory() -> None:
    generator = np.random.default_rng(0)
    live: list[tuple[Tensor, int]] = []
    for k in range(200):
        x = buffer(int(generator.integers(LARGE, 4 * LARGE)))
        x[0] = x[-1] = k
        live.append((x, k))
        if len(live) > 12:
            live.pop(int(generator.integers(len(live))))
        assert all(int(t[0]) == int(t[-1]) == number for t, number in live)


def test_threads_take_different_blocks() -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            x = buffer(LARGE).fill_(number)
            if not bool((x == number).all()):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_copies() -> None:
    for value in (torch.rand(300, 2000).t(), torch.ones(1, 1).expand(900, 900), torch.rand(5).requires_grad_()):
        copy = _memory.copied(value, torch.float64)
        assert torch.equal(copy, value.detach().double())
        assert copy.is_contiguous()
        assert copy.data_ptr() != value.data_ptr()


def test_idle_blocks_are_given_back_beyond_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "_limit", lambda: 3 * _memory._PAGE)
    tensors = [buffer(LARGE) for _ in range(10)]
    tensors.clear()
    gc.collect()
    buffer(100 * LARGE)
    assert sum(map(len, _memory._idle)) <= 3 * _memory._PAGE


FORK = """
import os, sys, torch
from spikeloom.compile import _memory
torch.set_num_threads(1)
live = _memory.empty(1 << 20, dtype=torch.float32).fill_(1.0)
idle = _memory.empty(1 << 20, dtype=torch.float32).fill_(2.0)
del idle
ready, done = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    live.fill_(3.0)
    own = _memory.empty(1 << 20, dtype=torch.float32).fill_(4.0)
    os.write(ready[1], b"1")
    os.read(done[0], 1)
    os._exit(0 if bool((own == 4.0).all()) else 1)
os.read(ready[0], 1)
own = _memory.empty(1 << 20, dtype=torch.float32).fill_(5.0)
os.write(done[1], b"1")
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(bool((live == 1.0).all()), status == 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this platform has no fork")
def test_a_forked_process_has_memory_of_its_own() -> None:
    """Workers of a DataLoader are forked: what they compute must not appear in the tensors of the main process."""
    result = subprocess.run([sys.executable, "-c", FORK], timeout=60, capture_output=True, text=True)
    assert result.stdout.split() == ["True", "True"], result.stdout + result.stderr
