"""Lane keeping: a spiking network learns to steer by reward, and another is made of a deep Q-network."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

# Cars, each with two motors, left and right, that see events in blocks, rows by columns.
CARS, ROWS, COLUMNS = ("rewarded", "reversed", "untrained", "wired"), 4, 8
BLOCKS = ROWS * COLUMNS
# Milliseconds of a step; events at which a block has its highest rate, Hz; spikes of a motor at its highest activity.
STEP, SATURATED, RATE, MOST = 50.0, 15.0, 300.0, 15.0
# Weights in units of the threshold: 200 and 3000 pA of alpha currents of 2 ms on 250 pF, 15 mV below threshold.
START, HIGHEST, WIRED = 0.29, 4.3, 0.58
TAU_D, REWARD = 200.0, 0.01
# The deep Q-network sees more. Steps of each window of the output trace, and what is left of it after one.
VIEW, HIDDEN, WINDOW, DECAY = (8, 16), 200, 10, 0.8


class Driven(NamedTuple):
    """Of each car: mean distance from the middle of the lane, m, and how often it left the lane."""

    distance: np.ndarray
    left: np.ndarray


class LaneKeeping(Recipe):
    row, family = "M46", "closed loops and search"
    title = "Lane keeping by reward, and by conversion"
    reference = Reference(
        "Bing, Meschede, Chen, Knoll and Huang",
        2020,
        "Indirect and direct training of spiking neural networks for end-to-end control of a lane-keeping vehicle",
        "Neural Networks 121, 21-36",
        doi="10.1016/j.neunet.2019.05.019",
    )
    claim = (
        "A vehicle that sees events learns to keep its lane if dopamine-modulated STDP gets the distance from the "
        "middle as a reward, of opposite signs for its two motors; a deep Q-network that was taught the same task can "
        "be converted to spikes."
    )
    shown = (
        "Cars on a closed lane, whose marks a camera of 8 x 4 blocks sees. Poisson fibres for the blocks excite two "
        "motor neurons; dopamine is set to the distance in each step of 50 ms. One car has the opposite reward, one "
        "does not learn (the control), and in one marks in the inner half of the view drive the motor on their side, "
        "with fixed weights. They are judged without learning, for some laps in both directions. A deep Q-network of "
        "128-200-200-3 with 16 x 8 blocks learns the task, a network of rectifiers learns its actions in play and is "
        "converted: weights are divided by the largest input that they allow in each layer, neurons have a hard reset "
        "and a floor at 0, inputs are Poisson spikes, and the action is the largest trace of output spikes."
    )
    stand_in = "A bird's view of a simulated lane in place of a robot in a simulator with a model of the camera."
    chance, control = "mean distance, reversed", "mean distance, untrained"

    steps: int = setting(2500, "steps of training by reward", at_least=1)
    eta: float = setting(0.004, "learning rate", "threshold/ms", at_least=0.0)
    judged: int = setting(600, "steps by which cars are judged", at_least=1)
    updates: int = setting(1500, "batches of deep Q-learning", at_least=1)
    shown_for: int = setting(1000, "steps of the converted network", at_least=WINDOW)

    _learnt = (
        Bar("mean distance", at_most=0.05, unit="m", why="a quarter of that at which the lane is left"),
        Bar("mean distance, of the untrained", at_most=0.5, why="the row: less than half"),
        Bar("mean distance, of the wired", at_most=1.0, why="the row: below a fixed wiring"),
        Bar("times off the lane, rewarded", at_most=0.0, why="the row: it keeps the lane for whole laps"),
    )
    quick = Form(
        *_learnt,
        Bar("times off the lane, reversed", at_least=1.0, why="the row: a reversed reward fails"),
        Bar("correlation of mirrored weights", at_least=0.7, why="the row: mirror images"),
        Bar("agreement", at_least=0.9, why="the row: more than 90 % of states"),
        Bar("mean distance, deep Q-network", at_most=0.05, unit="m", why="there must be something to convert"),
    )
    smoke = Form(
        *quick.bars[:2], seeds=(0,), few_seeds="for every test run",
        settings={"steps": 400, "eta": 0.04, "judged": 200, "updates": 10, "shown_for": 50},
    )  # fmt: skip
    full = Form(
        *quick.bars_but(
            {"agreement": "By half a point: the rectifiers themselves agree in 95 %, spikes lose five points more."}
        ),
        seeds=range(5),
        settings={"steps": 20000, "eta": 1.0 / 700, "updates": 4000},
    )

    def measure(self, run: Run) -> dict[str, float]:
        return self.by_reward(run) | self.by_conversion(run)

    def by_reward(self, run: Run) -> dict[str, float]:
        """Figures of the cars with motors that learn."""
        net, fibres, synapses = network(run.seed, self.eta)
        self.drive(run, net, fibres, synapses, self.steps, lap=100, learn=True)
        found = self.drive(run, net, fibres, synapses, self.judged, lap=300, learn=False)
        maps = [weights(each) for each in synapses[:2]]
        run.draw("weights of the motors", partial(plot, maps=maps[0]), width=8.0, panels=2)
        d = dict(zip(CARS, found.distance, strict=True))
        return {
            "mean distance": d["rewarded"],
            **{f"mean distance, {car}": d[car] for car in CARS[1:]},
            "mean distance, of the untrained": d["rewarded"] / d["untrained"],
            "mean distance, of the wired": d["rewarded"] / d["wired"],
            **{f"times off the lane, {car}": found.left[k] for k, car in enumerate(CARS)},
            "correlation of mirrored weights": float(
                np.corrcoef(maps[0][0].ravel(), maps[0][1, :, ::-1].ravel())[0, 1]
            ),
        }

    def drive(
        self, run: Run, net: Any, fibres: Any, synapses: list[Any], steps: int, *, lap: int, learn: bool
    ) -> Driven:
        """All cars at once; after so many steps of a lap, or off the lane, they begin anew in the other direction."""
        lane, cars = sl.control.Lane(view=(ROWS, COLUMNS)), len(CARS)
        signs = np.array([1.0, -1.0, 0.0, 0.0])[:, None] * np.array([REWARD, -REWARD])
        state, dopamine = lane.begin(cars, run.generator), np.zeros((cars, 2))
        episode, age, far, left = np.zeros((4, cars))
        for each in synapses[:2]:
            each.learning.on = learn
        for _ in run.track(range(steps), "steps of the cars" if learn else "steps of the judged cars"):
            events = lane.events(state).flatten(1).numpy()
            fibres["rate"] = RATE * np.minimum(events / SATURATED, 1.0).ravel()
            if learn:
                # What is given is added to what is left of the last; dopamine itself is to be the reward.
                wanted = signs * lane.distance(state).numpy()[:, None]
                give(synapses, wanted - dopamine * math.exp(-STEP / TAU_D))
                dopamine = wanted
            spikes = np.bincount(net.run(STEP, progress=False)["motors"].neurons, minlength=2 * cars)
            state = lane.drive(state, torch.tensor(spikes.reshape(cars, 2) / MOST, dtype=torch.float32).clamp(max=1.0))
            d = lane.distance(state).abs().numpy()
            off, age = d > lane.farthest, age + 1
            far, left = far + np.minimum(d, lane.farthest), left + off
            for car in np.flatnonzero(off | (age >= lap)):
                episode[car], age[car] = episode[car] + 1, 0
                state[car] = lane.begin(2, run.generator)[int(episode[car]) % 2]
        return Driven(far / steps, left)

    def by_conversion(self, run: Run) -> dict[str, float]:
        """Figures of the deep Q-network and what is made of it."""
        lane = sl.control.Lane(view=VIEW)
        seen, (first, second) = VIEW[0] * VIEW[1], (HIDDEN, HIDDEN)
        q = nn.Sequential(nn.Linear(seen, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 3))
        track = partial(run.track, what="batches of deep Q-learning")
        sl.control.deep_q(
            lane, q, updates=self.updates, discount=0.9, lr=1e-3, episodes=8, warm=500, limit=200, seed=run.seed,
            track=track,
        )  # fmt: skip
        q.requires_grad_(False)
        mixed = partial(mostly, sl.control.greedy(q), generator=run.generator)
        x, tested = (sl.control.play(lane, mixed, episodes=n, limit=300, seed=run.seed + n).observed for n in (32, 8))
        tested = tested[:: max(1, len(tested) // 200)]
        student = taught(x, q(x).argmax(1), run)
        method = sl.conversion.RateCode(sl.conversion.ModelBased(), start=0.0, hard_reset=True, floored=True)
        spiking = sl.convert(student, x, method, steps=self.shown_for, images=len(x))
        wanted = q(tested).argmax(1)
        acted = traced(spiking, tested, self.shown_for, run.generator).argmax(1)
        return {
            "agreement": share(acted, wanted),
            "agreement, network of rectifiers": share(student(tested).argmax(1), wanted),
            "mean distance, deep Q-network": mean_distance(lane, sl.control.greedy(q), self.judged, run.seed),
        }


def network(seed: int, eta: float) -> tuple[Any, Any, list[Any]]:
    """Fibres and motors of all cars, and the synapses of each."""
    nw = sl.network
    net = nw.Network(dt=1.0, seed=seed, threads=1)
    fibres = net.population(len(CARS) * BLOCKS, nw.Poisson(np.zeros(len(CARS) * BLOCKS)), name="events")
    lif = sl.Refractory(sl.LIF(tau_mem=10.0), t_ref=2.0)
    motors = net.population(2 * len(CARS), sl.synapses.Receptors(lif, exc=sl.synapses.Delta()), name="motors")
    source, target = np.tile(np.arange(BLOCKS), 2), np.repeat([0, 1], BLOCKS)
    rule = sl.plasticity.DopamineSTDP(eta=eta, a_plus=1.0, a_minus=1.0, tau_e=1000.0, tau_d=TAU_D, w_max=HIGHEST)
    synapses: list[Any] = []
    for car, name in enumerate(CARS):
        weight = wired(source, target) if name == "wired" else np.full(len(source), START)
        listed = nw.rules.Explicit(BLOCKS * car + source, 2 * car + target)
        synapses.append(net.connect(fibres, motors, listed, weight=weight, receptor="exc", plasticity=rule))
        synapses[-1].learning.on = False
    net.record(motors)
    return net, fibres, synapses


def wired(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Marks in the middle of the view drive the motor on their side, which turns the car away from them."""
    column = source % COLUMNS
    inner = np.abs(column - (COLUMNS - 1) / 2) < COLUMNS / 4
    return np.where(inner & ((column < COLUMNS // 2) == (target == 0)), WIRED, 0.0)


def give(synapses: list[Any], dopamine: np.ndarray) -> None:
    """To each learning car's motors what is theirs."""
    for car, each in enumerate(synapses[:2]):
        of_all = np.zeros_like(dopamine)
        of_all[car] = dopamine[car]
        each.learning.give("reward", of_all.ravel())


def weights(synapses: Any) -> np.ndarray:
    """Of a car's motors, [left or right, row, column]."""
    found, maps = synapses.synapses(), np.zeros((2, BLOCKS))
    maps[found.post % 2, found.pre % BLOCKS] = found.weight
    return maps.reshape(2, ROWS, COLUMNS)


def mostly(act: Callable[[Tensor], Tensor], seen: Tensor, *, generator: torch.Generator) -> Tensor:
    """An agent's actions, one in ten of them at random."""
    best = act(seen)
    drawn = torch.randint(3, best.shape, generator=generator)
    return torch.where(torch.rand(best.shape, generator=generator) < 0.1, drawn, best)


def taught(x: Tensor, actions: Tensor, run: Run) -> nn.Sequential:
    """A network of rectifiers that takes the same actions; only its first layer has biases, as there."""
    net = nn.Sequential(
        nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN, bias=False), nn.ReLU(),
        nn.Linear(HIDDEN, 3, bias=False),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    order = [part for _ in range(20) for part in torch.randperm(len(x), generator=run.generator).split(64)]  # type: ignore[no-untyped-call]
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(order))
    for some in run.track(order, "batches of actions"):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[some]), actions[some]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        slower.step()
    return nn.Sequential(*net, nn.ReLU()).requires_grad_(False)


def traced(spiking: sl.conversion.Converted, x: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """The trace of output spikes in windows at the end, [n, 3], for inputs [n, ...] shown as Poisson spikes."""
    encode, traces = sl.coding.Poisson(steps, max_rate=1000.0), []
    for some in x.split(50):  # type: ignore[no-untyped-call]
        y = spiking.sequence(encode(some, generator), encoded=True)
        counts = (y > 0).to(y.dtype)[: steps // WINDOW * WINDOW].view(-1, WINDOW, *y.shape[1:]).sum(1)
        traces.append(sl.coding.exponential_trace(counts, tau=-1.0 / math.log(DECAY))[-1])
    return torch.cat(traces)


def mean_distance(lane: sl.control.Lane, act: Callable[[Tensor], Tensor], steps: int, seed: int) -> float:
    """From the middle of the lane, of eight cars; those that leave it count as at its edge."""
    state, far, off = lane.begin(8, torch.Generator().manual_seed(seed)), [], torch.zeros(8, dtype=torch.bool)
    for _ in range(steps):
        made = lane.step(state, act(lane.observe(state)))
        state, off = made.state, off | made.over
        far.append(torch.where(off, lane.farthest, lane.distance(state).abs()))
    return float(torch.stack(far).mean())


def share(found: Tensor, wanted: Tensor) -> float:
    return float((found == wanted).double().mean())


def plot(axes: Any, *, maps: np.ndarray) -> None:
    for each, weight, name in zip(axes, maps, ("left motor", "right motor"), strict=True):
        each.imshow(weight, origin="lower", vmin=0.0, cmap="viridis")
        each.set_title(name)
        each.set_xlabel("column of the view")
        each.set_ylabel("row, nearest first")
