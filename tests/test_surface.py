"""The public names, frozen: a change here is a change that users see, and belongs into CHANGELOG.md."""

from __future__ import annotations

import spikeloom as sl

SURFACE = {
    # statements
    "Param", "State", "Input", "Option", "Neuron",
    # neurons that everyone types
    "IF", "LIF", "CurrentLIF", "AdaptiveLIF", "LeakyIntegrator", "Refractory", "AdaptiveThreshold", "Noisy",
    # running them
    "unroll", "record", "backend", "memory", "explain",
    # contract tests
    "check_encoder", "check_neuron", "check_rule", "check_surrogate",
    # trained networks become spiking ones
    "convert",
    # catalogues
    "coding", "control", "conversion", "datasets", "errors", "events", "hardware", "learning", "network",
    "neurons", "nn", "plasticity", "plot", "recipes", "surrogate", "synapses", "training",
}  # fmt: skip


def test_public_names() -> None:
    assert set(sl.__all__) == SURFACE


def test_every_public_name_exists() -> None:
    assert [name for name in sl.__all__ if not hasattr(sl, name)] == []
