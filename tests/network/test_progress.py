"""The bar of long runs, and others that look on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.network.progress import Bar


class Listening(sl.network.Progress):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def begin(self, start: float, stop: float) -> None:
        self.heard.append(("begin", start, stop))

    def reached(self, now: float) -> None:
        self.heard.append(now)

    def end(self) -> None:
        self.heard.append("end")


def network() -> sl.network.Network:
    net = sl.network.Network(dt=0.5, seed=1)
    net.population(10, sl.LIF(), name="cells")
    return net


def test_who_looks_on_is_told_of_beginning_times_and_end() -> None:
    net, listening = network(), Listening()
    net.run(10.0, progress=listening)
    net.run(300.0, progress=listening)
    assert listening.heard[0] == ("begin", 0.0, 10.0)
    assert listening.heard.count("end") == 2
    times = listening.heard[listening.heard.index(("begin", 10.0, 310.0)) + 1 : -1]
    assert times == sorted(times)
    assert times[-1] == 310.0


def test_the_end_comes_also_after_an_error() -> None:
    class Failing(Listening):
        def reached(self, now: float) -> None:
            raise RuntimeError("no more")

    failing = Failing()
    with pytest.raises(RuntimeError, match="no more"):
        network().run(10.0, progress=failing)
    assert failing.heard[-1] == "end"


@pytest.mark.parametrize(
    ("terminal", "patience", "shown"), [(True, 0.0, True), (True, 60.0, False), (False, 0.0, False)]
)
def test_a_bar_appears_on_terminals_once_a_run_takes_long(terminal: bool, patience: float, shown: bool) -> None:
    screen = io.StringIO()
    bar = Bar(patience=patience, console=Console(file=screen, force_terminal=terminal, width=100))
    network().run(50.0, progress=bar)
    assert ("of 50 ms" in screen.getvalue()) == shown


def test_a_bar_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    network().run(10.0, progress=True)
    assert "10 of 10 ms" in capsys.readouterr().err
    network().run(10.0, progress=False)
    network().run(10.0)
    assert not capsys.readouterr().err


def test_what_cannot_look_on_is_refused() -> None:
    with pytest.raises(ParameterError, match="a Progress"):
        network().run(10.0, progress=lambda now: None)  # type: ignore[arg-type]
