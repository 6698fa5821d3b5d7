"""What a run is: frozen dataclasses, written to and read from versioned JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any, TypeVar

from spikeloom.errors import CheckpointError, ParameterError, UnknownNameError
from spikeloom.training.encoding import ENCODERS

FORMAT = "spikeloom run"
VERSION = 1


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of a classifier: convolutions, then fully connected layers, each followed by LIF neurons.

    Sizes are numbers of channels and of neurons. Units: `tau_mem` in milliseconds, with steps of 1 ms; the default
    halves the potential in each step.

    >>> NetworkConfig(hidden=(800,), dropout=0.2).channels
    ()
    """

    channels: tuple[int, ...] = ()
    hidden: tuple[int, ...] = (512,)
    tau_mem: float = 1.44
    dropout: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for name in ("channels", "hidden"):
            for size in getattr(self, name):
                _whole(f"network.{name}", size, low=1)
        _number("network.tau_mem", self.tau_mem, low=0.0, strict=True)
        _number("network.dropout", self.dropout, low=0.0, below=1.0)


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained: AdamW with a learning rate that falls to zero along a half cosine.

    `steps` is the number of time steps for which an image is shown, `encoder` a name of `training.ENCODERS`, `shift`
    the largest random translation of a training image in pixels, `seed` the start of every random number. `threads` is
    the number of processor threads, on which the last bit of the weights depends; 0 leaves it to PyTorch.

    >>> TrainingConfig(epochs=3).batch_size
    64
    """

    epochs: int = 20
    steps: int = 4
    encoder: str = "direct"
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    shift: int = 0
    seed: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            raise UnknownNameError("training.encoder", self.encoder, ENCODERS)
        for name in ("epochs", "steps", "batch_size"):
            _whole(f"training.{name}", getattr(self, name), low=1)
        for name in ("shift", "seed", "threads"):
            _whole(f"training.{name}", getattr(self, name), low=0)
        _number("training.learning_rate", self.learning_rate, low=0.0, strict=True)
        _number("training.weight_decay", self.weight_decay, low=0.0)


@dataclass(frozen=True)
class RunConfig:
    """A whole run: the data set's name, the shape of an image, the names of the classes, the network and the training.

    `network` is None where the network was built in Python rather than from a `NetworkConfig`.
    """

    data: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    network: NetworkConfig | None
    training: TrainingConfig

    def to_json(self) -> str:
        """The configuration as JSON text with its format and version."""
        return json.dumps({"format": FORMAT, "version": VERSION, **dataclasses.asdict(self)}, indent=2) + "\n"

    @staticmethod
    def from_json(text: str, *, source: str = "config.json") -> RunConfig:
        """Read what `to_json` wrote; a `CheckpointError` names `source` where the text is damaged or of another kind.

        >>> config = RunConfig("digits", (1, 8, 8), ("0", "1"), NetworkConfig(hidden=(32,)), TrainingConfig())
        >>> RunConfig.from_json(config.to_json()) == config
        True
        """
        try:
            raw = json.loads(text)
        except json.JSONDecodeError as error:
            raise CheckpointError(
                source, expected="JSON", got=str(error), do="restore the file or train again"
            ) from error
        if not isinstance(raw, dict) or raw.pop("format", None) != FORMAT:
            raise CheckpointError(source, expected=f"the format {FORMAT!r}", got="something else", do=_CHOOSE)
        if (version := raw.pop("version", None)) != VERSION:
            do = "use the version of spikeloom that wrote this run, or train again"
            raise CheckpointError(f"version of {source}", expected=VERSION, got=version, do=do)
        network = raw.pop("network", None)
        try:
            return RunConfig(
                network=None if network is None else _build(NetworkConfig, network),
                training=_build(TrainingConfig, raw["training"]),
                data=str(raw["data"]),
                shape=tuple(int(size) for size in raw["shape"]),
                classes=tuple(str(name) for name in raw["classes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{source} does not describe a run ({error})", do=_CHOOSE) from error


Config = TypeVar("Config", NetworkConfig, TrainingConfig)

_CHOOSE = "give a folder that `spikeloom train` wrote"


def differences(saved: RunConfig, given: RunConfig) -> list[str]:
    """One line for each field in which two configurations differ, e.g. `training.epochs: 20 in the run, 30 given`."""
    left, right = _flatten(dataclasses.asdict(saved)), _flatten(dataclasses.asdict(given))
    absent = "absent"
    return [
        f"{name}: {left.get(name, absent)} in the run, {right.get(name, absent)} given"
        for name in sorted(left.keys() | right.keys())
        if left.get(name, absent) != right.get(name, absent)
    ]


def replace_fields(config: Config, changes: dict[str, Any]) -> Config:
    """`config` with those of `changes` that are not None; an unknown name is an `UnknownNameError`.

    >>> replace_fields(TrainingConfig(), {"epochs": 3, "steps": None}).epochs
    3
    """
    known = [each.name for each in dataclasses.fields(config)]
    for name in changes:
        if name not in known:
            raise UnknownNameError(f"field of {type(config).__name__}", name, known)
    return dataclasses.replace(config, **{name: value for name, value in changes.items() if value is not None})


def _build(kind: type[Config], values: dict[str, Any]) -> Config:
    missing = [each.name for each in dataclasses.fields(kind) if each.name not in values]
    if missing:
        raise KeyError(f"{kind.__name__} lacks {', '.join(missing)}")
    return kind(**values)


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _whole(name: str, value: object, *, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise ParameterError(name, expected=f"a whole number of at least {low}", got=repr(value))


def _number(name: str, value: object, *, low: float, below: float = math.inf, strict: bool = False) -> None:
    ok = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not ok or not (low < value < below if strict else low <= value < below):  # type: ignore[operator]
        bound = f"a number {'above' if strict else 'of at least'} {low:g}"
        raise ParameterError(
            name, expected=bound + (f" and below {below:g}" if below < math.inf else ""), got=repr(value)
        )
