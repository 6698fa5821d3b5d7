"""Pair rules against sums over all pairs of spikes, written out."""

import math

import pytest
import torch

import spikeloom as sl
from spikeloom import plasticity as sp

PAIRINGS = [sp.AllToAll(), sp.Nearest(), sp.PresynapticCentred(), sp.Reduced()]
WINDOWS = [sp.Asymmetric(), sp.Reversed(), sp.Symmetric()]
NAMES = {"ids": lambda value: type(value).__name__}
A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS = 0.05, 0.06, 12.0, 27.0


def partners_of_post(kind, t, pre, post, causal):
    """Presynaptic times that a postsynaptic spike at t pairs with; definitions of Morrison et al. 2008, fig. 7."""

    def sees(q, p):
        return p <= q if causal else p < q

    seen = [p for p in pre if sees(t, p)]
    new = [p for p in seen if not any(q < t and sees(q, p) for q in post)]
    return {"AllToAll": seen, "Nearest": seen[-1:], "PresynapticCentred": new, "Reduced": new[-1:]}[kind]


def partners_of_pre(kind, t, pre, post):
    """Postsynaptic times that a presynaptic spike at t pairs with."""
    seen = [q for q in post if q < t]
    new = [q for q in seen if not any(q < p < t for p in pre)]
    nearest = seen[-1:]
    return {"AllToAll": seen, "Nearest": nearest, "PresynapticCentred": nearest, "Reduced": new[-1:]}[kind]


def by_pairs(rule, w, pre, post, causal):
    """The weight after all spikes, one synapse, from lists of times."""
    kind, mu = type(rule.pairing).__name__, 0.3 if isinstance(rule.dependence, sp.PowerLaw) else 0.0
    signs = {"Asymmetric": (1, -1), "Reversed": (-1, 1), "Symmetric": (1, 1)}[type(rule.window).__name__]

    def changed(w, sign, size):
        factor = (1 - w) ** mu if sign > 0 else w**mu
        return min(1.0, max(0.0, w + sign * size * factor))

    order = ("pre", "post") if causal else ("post", "pre")
    for t in sorted({*pre, *post}):
        for side in order:
            if side == "post" and t in post:
                size = sum(math.exp(-(t - p) / TAU_PLUS) for p in partners_of_post(kind, t, pre, post, causal))
                w = changed(w, signs[0], A_PLUS * size)
            if side == "pre" and t in pre:
                size = sum(math.exp(-(t - q) / TAU_MINUS) for q in partners_of_pre(kind, t, pre, post))
                w = changed(w, signs[1], A_MINUS * size)
    return w


def rule_of(**options):
    return sp.STDP(a_plus=A_PLUS, a_minus=A_MINUS, tau_plus=TAU_PLUS, tau_minus=TAU_MINUS, **options)


@pytest.mark.parametrize("pairing", PAIRINGS, **NAMES)
@pytest.mark.parametrize("window", WINDOWS, **NAMES)
@pytest.mark.parametrize("dependence", [sp.Additive(), sp.PowerLaw(mu_plus=0.3, mu_minus=0.3)], **NAMES)
@pytest.mark.parametrize("causal", [True, False])
def test_random_trains(pairing, window, dependence, causal):
    generator = torch.Generator().manual_seed(3)
    pre = (torch.rand(150, 2, 3, generator=generator) < 0.15).double()
    post = (torch.rand(150, 2, 2, generator=generator) < 0.15).double()
    rule = rule_of(pairing=pairing, window=window, dependence=dependence)
    w = sp.learn(rule, torch.full((2, 3), 0.4, dtype=torch.float64), pre, post, causal=causal).w
    for b, i, j in torch.cartesian_prod(torch.arange(2), torch.arange(2), torch.arange(3)).tolist():
        times = [train.nonzero().flatten().tolist() for train in (pre[:, b, j], post[:, b, i])]
        assert float(w[b, i, j]) == pytest.approx(by_pairs(rule, 0.4, *times, causal), abs=1e-6)


@pytest.mark.parametrize("pairing", PAIRINGS, **NAMES)
@pytest.mark.parametrize("causal", [True, False])
def test_window(pairing, causal):
    lags = torch.arange(-50, 51)
    pre, post = torch.zeros(2, 120, len(lags), 1, dtype=torch.float64)
    pre[60], post[60 + lags, range(len(lags))] = 1.0, 1.0
    w = sp.learn(rule_of(pairing=pairing), torch.full((1, 1), 0.5).double(), pre, post, causal=causal).w.flatten()
    expected = torch.where(lags > 0, A_PLUS * torch.exp(-lags / TAU_PLUS), -A_MINUS * torch.exp(lags / TAU_MINUS))
    expected[50] = A_PLUS if causal else 0.0
    torch.testing.assert_close(w - 0.5, expected.double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("causal", [True, False])
def test_coincident_spikes(causal):
    """A pair at one time is causal or does not see itself; traces that both spikes leave serve later ones."""
    train = torch.zeros(30, 1, 1, dtype=torch.float64)
    train[[5, 15]] = 1.0
    w = sp.learn(rule_of(), torch.full((1, 1), 0.5).double(), train, train, causal=causal).w.item()
    later = A_PLUS * math.exp(-10 / TAU_PLUS) - A_MINUS * math.exp(-10 / TAU_MINUS)
    assert w == pytest.approx(0.5 + later + (2 * A_PLUS if causal else 0.0), abs=1e-9)


def test_published_example_of_presynaptic_centred():
    """NEST's page: pre at 10 and 20, post at 20 ms give one pair, 20 to 10."""
    pre, post = torch.zeros(2, 30, 1, 1, dtype=torch.float64)
    pre[[10, 20]], post[20] = 1.0, 1.0
    rule = rule_of(pairing=sp.PresynapticCentred())
    w = sp.learn(rule, torch.full((1, 1), 0.5).double(), pre, post, causal=False).w.item()
    assert w == pytest.approx(0.5 + A_PLUS * math.exp(-10 / TAU_PLUS), abs=1e-9)


@pytest.mark.parametrize("pairing", PAIRINGS, **NAMES)
def test_pieces(pairing):
    """A train in two pieces, state handed on, gives what the whole gives."""
    generator = torch.Generator().manual_seed(1)
    pre, post = (torch.rand(2, 100, 2, 3, generator=generator) < 0.2).double()
    rule, w = rule_of(pairing=pairing), torch.full((3, 3), 0.5).double()
    whole = sp.learn(rule, w, pre, post)
    first = sp.learn(rule, w, pre[:37], post[:37])
    second = sp.learn(rule, first.w, pre[37:], post[37:], state=first.state)
    torch.testing.assert_close(second.w, whole.w, atol=1e-12, rtol=0)


@pytest.mark.parametrize("pairing", PAIRINGS, **NAMES)
def test_trial_ends(pairing):
    """Pairings that keep states of synapses clear them; the others have nothing to do."""
    rule = rule_of(pairing=pairing)
    assert rule.has("on_trial") == (type(pairing) in (sp.PresynapticCentred, sp.Reduced))
    if rule.has("on_trial"):
        traces = {name: torch.ones(1, 1) for name in (*rule.pre_traces, *rule.post_traces)}
        state = {name: torch.ones(1, 1, 1) for name in rule.synapse_states}
        ended = sp.end_trial(rule, torch.full((1, 1), 0.5), traces, state=state)
        assert ended.w.item() == 0.5
        assert {name: value.item() for name, value in ended.state.items()} == dict.fromkeys(rule.synapse_states, 0.0)


def test_presets_and_options():
    nest = sp.STDP.preset("NEST stdp_synapse")
    assert float(nest.w_max) == 100
    assert isinstance(nest.dependence, sp.Multiplicative)
    for kind in (sp.STDP, sp.SimplifiedSTDP, sp.PowerLawSTDP):
        for name in kind.presets:
            kind.preset(name)
    with pytest.raises(sl.errors.DTypeError, match="pairing"):
        sp.STDP(pairing=sp.Symmetric())
