"""Open a finished run: its network with the trained weights, and its configuration."""

from __future__ import annotations

from pathlib import Path

from spikeloom.errors import CheckpointError
from spikeloom.nn import Sequential
from spikeloom.training.configuration import RunConfig
from spikeloom.training.folder import RunFolder
from spikeloom.training.network import build_network


def load_run(path: str | Path) -> tuple[Sequential, RunConfig]:
    """The trained network, in evaluation mode, and the configuration of the run in a folder.

    Raises: `CheckpointError` where the folder holds no finished run, a damaged one, or one whose network was built in
    Python: its weights are loaded with `RunFolder(path).load_model(model)`.
    """
    folder = RunFolder(Path(path))
    config = folder.config()
    if config.network is None:
        do = "build it again in Python and call RunFolder(path).load_model(model)"
        raise CheckpointError(
            f"run {path}", expected="a network described in config.json", got="one built in Python", do=do
        )
    model = build_network(config.network, shape=config.shape, classes=len(config.classes))
    folder.load_model(model)
    return model.eval(), config
