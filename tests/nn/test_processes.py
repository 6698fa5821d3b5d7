"""Several processes and threads: distributed data parallel, workers of a DataLoader, concurrent callers."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import spikeloom as sl


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Linear(6, 8), sl.LIF(tau_mem=2.0, learn="tau_mem"), sl.nn.Recurrent(sl.LIF(tau_mem=2.0), 8))
    return sl.nn.Sequential(*layers, nn.Linear(8, 3), sl.LIF(tau_mem=2.0, v_th=0.2), sl.nn.Rate())


def batch() -> Tensor:
    return torch.rand(12, 4, 6, generator=torch.Generator().manual_seed(1)) * 8


def gradients(net: nn.Module, x: Tensor) -> dict[str, Tensor]:
    net.zero_grad()
    (net(x) * torch.tensor([1.0, -2.0, 0.5])).sum(1).mean().backward()
    return {name.removeprefix("module."): p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}


_RANK = """
import sys, torch, torch.distributed as dist
sys.path.insert(0, {folder!r})
import importlib.util
spec = importlib.util.spec_from_file_location("shared", {file!r})
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)
rank = int(sys.argv[1])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method="tcp://127.0.0.1:{port}", rank=rank, world_size=2)
net = torch.nn.parallel.DistributedDataParallel(shared.network())
half = shared.batch()[:, 2 * rank : 2 * rank + 2]
found = shared.gradients(net, half)
if rank == 0:
    torch.save(found, {out!r})
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_distributed_data_parallel(tmp_path: Path) -> None:
    """Two ranks with half of the batch each have the gradients of one process with all of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = str(tmp_path / "gradients.pt")
    code = _RANK.format(folder=str(Path(__file__).parents[2]), file=__file__, port=port, out=out)
    ranks = [subprocess.Popen([sys.executable, "-c", code, str(k)], stderr=subprocess.PIPE, text=True) for k in (0, 1)]
    errors = [rank.communicate(timeout=240)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], "\n".join(errors)
    found = torch.load(out, weights_only=True)
    wanted = gradients(network(), batch())
    assert found.keys() == wanted.keys() and any(g.any() for g in wanted.values())
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


class Encoded(Dataset[Tensor]):
    """Samples that a neuron makes on the fly."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Tensor:
        current = torch.full((10, 1, 5000), 0.3 + 0.1 * index)
        with torch.no_grad():
            spikes: Tensor = sl.LIF(tau_mem=2.0)(current)
        return spikes[:, 0]


@pytest.mark.skipif(sys.platform == "win32", reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_in_workers_of_a_data_loader() -> None:
    """Forked after kernels, threads and buffers of this process were used."""
    wanted = torch.stack([Encoded()[k] for k in range(8)])
    loader = DataLoader(Encoded(), batch_size=4, num_workers=2, multiprocessing_context="fork")
    assert torch.equal(torch.cat(list(loader)), wanted)


def test_concurrent_training() -> None:
    """Each thread trains a network of its own; the back end that one chooses is not another's."""
    wanted = gradients(network(), batch())
    failures: list[object] = []

    def work(backend: str) -> None:
        with sl.backend(backend):
            for _ in range(5):
                found = gradients(nets[backend], batch())
                for name, gradient in wanted.items():
                    if not torch.allclose(found[name], gradient, rtol=1e-3, atol=1e-5):
                        failures.append((backend, name))

    nets = {name: network() for name in ("numba", "reference", "auto")}
    threads = [threading.Thread(target=work, args=(name,)) for name in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
