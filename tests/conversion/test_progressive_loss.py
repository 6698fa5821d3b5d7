"""Progressive tandem learning of a regression."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

import spikeloom as sl


def test_regression_is_learnt_by_its_own_loss_and_judged_by_it() -> None:
    layers = (nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 6))
    model, x = nn.Sequential(*layers).requires_grad_(False), torch.rand(120, 6)
    raw = sl.convert(model, x, "layer-wise", steps=4)
    wanted = model(x)
    told: list[float] = []
    tuned = sl.conversion.tune_progressively(
        raw, x, wanted, (x, wanted), loss=functional.mse_loss, most=4, lr=3e-3, told=lambda _, score: told.append(score)
    )
    # At the end, the score is that of the network itself.
    after = float(functional.mse_loss(tuned(x), wanted))
    assert abs(told[-1] + after) < 1e-6
    assert len(told) == 2 and after < 0.7 * float(functional.mse_loss(raw(x), wanted))
