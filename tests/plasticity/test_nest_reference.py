"""Rules against weights that NEST's synapse models had after the same spike trains (data/nest_synapses.json)."""

import json
from itertools import groupby
from pathlib import Path

import pytest
import torch

import spikeloom as sl
from spikeloom import plasticity as sp

REFERENCE = json.loads((Path(__file__).parent / "data" / "nest_synapses.json").read_text(encoding="utf-8"))
GRID = REFERENCE["grid"]
# A line of the file for each delay.
CASES = [list(both) for _, both in groupby(REFERENCE["cases"], key=lambda case: (case["model"], case["parameters"]))]
PAIRINGS = {
    "stdp_synapse": sp.AllToAll,
    "stdp_nn_symm_synapse": sp.Nearest,
    "stdp_nn_restr_synapse": sp.Reduced,
    "stdp_nn_pre_centered_synapse": sp.PresynapticCentred,
}


def as_ours(model, p):
    """The rule with the parameters of a NEST synapse."""
    if model in PAIRINGS:
        return sp.STDP(
            a_plus=p["lambda"], a_minus=p["lambda"] * p["alpha"], tau_plus=p["tau_plus"], tau_minus=p["tau_minus"],
            w_max=p["Wmax"], dependence=sp.PowerLaw(mu_plus=p["mu_plus"], mu_minus=p["mu_minus"]),
            pairing=PAIRINGS[model](), dt=GRID,
        )  # fmt: skip
    if model == "stdp_pl_synapse_hom":
        return sp.PowerLawSTDP(
            eta=p["lambda"], alpha=p["alpha"], mu=p["mu"], tau_plus=p["tau_plus"], tau_minus=p["tau_minus"], dt=GRID
        )
    if model == "stdp_triplet_synapse":
        amplitudes = {
            "a2_plus": "Aplus",
            "a3_plus": "Aplus_triplet",
            "a2_minus": "Aminus",
            "a3_minus": "Aminus_triplet",
        }
        return sp.TripletSTDP(
            tau_plus=p["tau_plus"], tau_x=p["tau_plus_triplet"], tau_minus=p["tau_minus"],
            tau_y=p["tau_minus_triplet"], w_max=p["Wmax"], dt=GRID,
            **{name: p[theirs] / p["Wmax"] for name, theirs in amplitudes.items()},
        )  # fmt: skip
    rho = p["alpha"] / (2 * p["tau"]) * 1e3
    return sp.InhibitorySTDP(eta=p["eta"], rho=rho, tau=p["tau"], w_max=p["Wmax"], dt=GRID)


def train(trains, delay=0.0):
    """Spike trains [T, B, 1], in float64."""
    last = max(max(pair["pre"]) for pair in REFERENCE["trains"])
    spikes = torch.zeros(round(last / GRID) + 1, len(trains), 1, dtype=torch.float64)
    for number, times in enumerate(trains):
        spikes[[round((t + delay) / GRID) for t in times], number] = 1.0
    return spikes


@pytest.mark.parametrize("both", CASES, ids=lambda both: both[0]["model"])
def test_weights_equal_those_of_nest(both):
    rule = as_ours(both[0]["model"], both[0]["parameters"])
    pre = torch.cat([train([pair["pre"] for pair in REFERENCE["trains"]]) for _ in both], dim=1)
    # NEST's delay is dendritic.
    post = torch.cat([train([pair["post"] for pair in REFERENCE["trains"]], case["delay"]) for case in both], dim=1)
    first = torch.full((1, 1), both[0]["weight"], dtype=torch.float64)
    got = sl.plasticity.learn(rule, first, pre, post, causal=False).w.flatten()
    expected = torch.tensor([w for case in both for w in case["final"]], dtype=torch.float64)
    if both[0]["model"] == "stdp_nn_restr_synapse":
        # Of a post- and a presynaptic spike at one time, NEST lets the second pair with an earlier postsynaptic one,
        # although that has had its partner, and the next presynaptic one with none.
        alone = torch.tensor([not pair["coincident"] for pair in REFERENCE["trains"]] * len(both))
        got, expected = got[alone], expected[alone]
    # Sums of the same numbers in another order.
    torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-11)
