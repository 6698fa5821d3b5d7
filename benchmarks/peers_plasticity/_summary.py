"""What is compared of learned weights; every simulator's environment has NumPy."""

from __future__ import annotations

import numpy as np

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


def summary(weights: np.ndarray) -> dict:
    """Of weights [pre, post] or [synapses]: mean, standard deviation, quantiles; sums and profile over neurons."""
    found = {
        "mean": float(weights.mean()),
        "sd": float(weights.std()),
        "levels": list(QUANTILES),
        "quantiles": np.quantile(weights, QUANTILES).tolist(),
    }
    if weights.ndim == 2:
        # Which pixels the neurons learned on average: what two runs share although their neurons learn other digits.
        found |= {"sums": np.quantile(weights.sum(axis=0), (0.0, 0.5, 1.0)).tolist()}
        found |= {"profile": weights.mean(axis=1).tolist()}
    return found
