"""What a simulation costs as networks grow: threads, building, synaptic events, memory."""

from __future__ import annotations

from statistics import median

from benchmarks.contenders import OURS
from benchmarks.simulation import Case, simulated
from benchmarks.tables import Result, Row
from benchmarks.timing import rounds

# Inhibitory neurons of Brunel's network, each with a tenth of all neurons as sources: 0.16 million to 1e9 synapses.
ORDERS = (250, 625, 1250, 2500, 5000, 10_000, 20_000)
MEGABYTE = 1 << 20


def _brunel(order: int, threads: int) -> Case:
    duration = 500.0 if order <= 5000 else 100.0
    return Case(f"Brunel, {5 * order} neurons", "brunel", OURS, {"order": order}, threads, 200.0, duration)


def _threads(repeats: int) -> Result:
    rows: list[Row] = []
    scales = {0.02: 2000.0, 0.1: 1000.0, 0.3: 500.0, 1.0: 500.0}
    several = [
        *((f"Brunel, {5 * order} neurons", "brunel", {"order": order}, 500.0) for order in ORDERS if order <= 5000),
        *((f"microcircuit, scale {scale:g}", "microcircuit", {"scale": scale}, ms) for scale, ms in scales.items()),
    ]
    for title, model, options, duration in several:
        one, two = (Case(title, model, OURS, options, threads, 200.0, duration) for threads in (1, 2))
        pairs = [(simulated(OURS, one), simulated(OURS, two)) for _ in rounds(repeats, title)]
        rows.append(
            {
                "": title,
                "1 thread, s/s": median(a["run"] for a, _ in pairs) / duration * 1e3,
                "2 threads, s/s": median(b["run"] for _, b in pairs) / duration * 1e3,
                "times faster": median(a["run"] / b["run"] for a, b in pairs),
                "build, times faster": median(a["build"] / b["build"] for a, b in pairs),
            }
        )
    return Result("Simulation on one thread and on two", rows, headline=False)


def _growth(repeats: int) -> Result:
    rows: list[Row] = []
    for order in ORDERS:
        case = _brunel(order, 1)
        answers = [simulated(OURS, case) for _ in rounds(repeats, case.title)]
        synapses, neurons = answers[0]["synapses"], 5 * order
        events = answers[0]["rate"] * neurons * (synapses / neurons) * case.duration * 1e-3
        seconds, build = (median(answer[what] for answer in answers) for what in ("run", "build"))
        rows.append(
            {
                "neurons": neurons,
                "synapses": synapses,
                "spikes/s": median(answer["rate"] for answer in answers),
                "build, s": build,
                "million synapses built per s": synapses / build * 1e-6,
                "run, s/s": seconds / case.duration * 1e3,
                "ns per synaptic event": seconds / events * 1e9,
                "us per neuron and biological s": seconds / case.duration * 1e9 / neurons,
                "peak MB": median(answer["peak"] for answer in answers) / MEGABYTE,
            }
        )
    return Result("Cost of Brunel's network as it grows, one thread", rows, headline=False)


def run(*, repeats: int) -> list[Result]:
    """Threads, then growth."""
    few = min(repeats, 3)
    return [_threads(few), _growth(few)]
