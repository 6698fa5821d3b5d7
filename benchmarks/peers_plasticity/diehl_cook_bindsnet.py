"""Diehl and Cook's network as BindsNET has it; run by the Python of BindsNET's environment, which has nothing of ours.

`form` "protocol": the paper's protocol, 350 ms and 150 ms of rest in steps of 0.5 ms, rates of pixel / 8 times the
intensity, repeated with a higher one while there are fewer than 5 spikes. "example": the settings of BindsNET's own
example `eth_mnist`, 250 ms in steps of 1 ms at 128 Hz for white, after which the state is reset.

BindsNET's `DiehlAndCook2015` is a variation: synapses add to the potential (no conductances) without delays; one
excitatory neuron spikes in a step; 5 ms without spikes in place of 50; the reset is to -60 mV; its rule is pair-based,
traces of both sides set to 1 (no second postsynaptic trace); one-to-one weights of 22.5 mV, inhibition of 120 mV.
"""

from __future__ import annotations

import json
import re
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from _summary import summary

# torchvision's wheel may be built for CUDA; beside PyTorch for CPUs, operators that it asks for at import are missing.
library = torch.library.Library("torchvision", "FRAGMENT")
for _ in range(4):
    try:
        import torchvision  # noqa: F401

        break
    except RuntimeError as error:
        if (missing := re.search(r"torchvision::(\w+) does not exist", str(error))) is None:
            raise
        library.define(f"{missing[1]}(Tensor boxes, Tensor scores, float overlap) -> Tensor")

from bindsnet.encoding import PoissonEncoder  # noqa: E402
from bindsnet.models import DiehlAndCook2015  # noqa: E402
from bindsnet.network.monitors import Monitor  # noqa: E402

FEWEST = 5


class Bench:
    def __init__(self, spec: dict) -> None:
        self.own = spec["form"] == "example"
        dt, self.shown, self.rest = (1.0, 250, 0) if self.own else (0.5, 350, 150)
        norm = 78.4 if self.own else 78.0
        self.net = DiehlAndCook2015(
            n_inpt=784, n_neurons=spec["neurons"], exc=22.5, inh=120.0, dt=dt, norm=norm, nu=(1e-4, 1e-2),
            theta_plus=0.05, inpt_shape=(1, 28, 28),
        )  # fmt: skip
        self.weight = self.net.connections["X", "Ae"].pipeline[0]
        self.encode = PoissonEncoder(time=self.shown, dt=dt)
        self.spikes = Monitor(self.net.layers["Ae"], state_vars=["s"], time=int(self.shown / dt))
        self.net.add_monitor(self.spikes, name="spikes")
        self.blank = torch.zeros(int(self.rest / dt), 1, 1, 28, 28)

    def present(self, rates: torch.Tensor) -> int:
        """Spikes of one presentation; weights are normalised at its end, by `run`."""
        spikes = self.encode(rates)
        self.net.run(inputs={"X": spikes.unsqueeze(1)}, time=self.shown)
        count = int(self.spikes.get("s").sum())
        if self.own:
            self.net.reset_state_variables()
        else:
            self.net.run(inputs={"X": self.blank}, time=self.rest)
        return count

    def image(self, pixels: np.ndarray) -> tuple[int, int]:
        """Spikes, and the intensity that brought them."""
        image = torch.from_numpy(pixels).float().view(1, 28, 28)
        if self.own:
            return self.present(image / 255.0 * 128.0), 1
        for level in range(2, 1000):
            count = self.present(image / 8.0 * level)
            if count >= FEWEST:
                break
        return count, level


def main(spec: dict) -> dict:
    torch.manual_seed(spec["seed"])
    torch.set_num_threads(spec["threads"])
    images = np.load(spec["images"])[: spec["warm"] + spec["measured"]]
    start = time.perf_counter()
    bench = Bench(spec)
    # Before the first image, as before every other.
    bench.weight.normalize()
    built = time.perf_counter()
    seconds, spikes, levels = [], [], []
    for pixels in images:
        began = time.perf_counter()
        count, level = bench.image(pixels)
        seconds.append(time.perf_counter() - began)
        spikes.append(count)
        levels.append(level)
    shown = [1] * len(levels) if bench.own else [level - 1 for level in levels]
    return {
        "build": built - start,
        "seconds": seconds[spec["warm"] :],
        "spikes": spikes,
        "intensity": levels,
        "presentations": sum(shown[spec["warm"] :]),
        "weights": summary(bench.weight.value.detach().numpy()),
        "theta": float(bench.net.layers["Ae"].theta.mean()),
        "biological": (bench.shown + bench.rest) * 1e-3,
        "version": version("bindsnet"),
    }


print(json.dumps(main(json.loads(sys.argv[1]))))
