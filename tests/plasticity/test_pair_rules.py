"""Rules beside pair STDP: closed forms and sums over spikes, written out."""

import math

import pytest
import torch

from spikeloom import plasticity as sp

RULES = {
    "STDP": sp.STDP(a_plus=0.5, a_minus=0.6),
    "RectangularSTDP": sp.RectangularSTDP(),
    "SimplifiedSTDP": sp.SimplifiedSTDP.preset("Falez 2020 multiplicative", a_plus=0.5, a_minus=0.5),
    "PowerLawSTDP": sp.PowerLawSTDP(eta=0.5, alpha=3.0, w_max=1.0),
    "DiehlCookSTDP": sp.DiehlCookSTDP(nu_pre=0.2, nu_post=0.5),
    "BinarySTDP": sp.BinarySTDP(),
    "ShortTermSTDP": sp.ShortTermSTDP(),
    "AstrocyteSTDP": sp.AstrocyteSTDP(nu_pre=0.5, nu_post=2.0),
    "IntervalSTDP": sp.IntervalSTDP(a_plus=3.0, a_minus=2.0),
}


def trains(seed, steps=200, rate=0.2, size=(2, 3, 4)):
    """pre [T, B, in] and post [T, B, out], float64."""
    generator = torch.Generator().manual_seed(seed)
    batch, n_in, n_out = size
    pre = (torch.rand(steps, batch, n_in, generator=generator) < rate).double()
    return pre, (torch.rand(steps, batch, n_out, generator=generator) < rate).double()


def pair(lag, steps=40):
    """One presynaptic spike at 20 ms and a postsynaptic one later by lag."""
    pre, post = torch.zeros(2, steps, 1, 1, dtype=torch.float64)
    pre[20], post[20 + lag] = 1.0, 1.0
    return pre, post


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("causal", [True, False])
def test_bounds_and_silence(rule, causal):
    pre, post = trains(0)
    start = torch.rand(4, 3, generator=torch.Generator().manual_seed(1)).double()
    w = sp.learn(rule, start, pre, post, causal=causal).w
    assert float(w.min()) >= 0
    assert float(w.max()) <= 1
    assert torch.isfinite(w).all()
    silent = sp.learn(rule, start, 0 * pre, 0 * post, causal=causal).w
    assert torch.equal(silent, start.expand_as(silent))


@pytest.mark.parametrize("causal", [True, False])
def test_rectangular_pairs(causal):
    rule, w = sp.RectangularSTDP(), torch.full((1, 1), 0.4, dtype=torch.float64)
    factors = [sp.learn(rule, w, *pair(lag), causal=causal).w.item() / 0.4 for lag in (3, -3, 0, 8, 4, 5, -4, -5)]
    assert factors == pytest.approx([1.7, 0.8, 1, 1, 1.7, 1, 0.8, 1], abs=1e-12)


@pytest.mark.parametrize(("leads", "expected"), [((3, 3), (1.0, 0.0)), ((-3, -3), (0.0, 1.0))])
def test_rectangular_makes_one_direction(leads, expected):
    """Two cells, connected both ways, b after a by 3 ms, every 40 ms, 40 times."""
    a, b = torch.zeros(2, 1600, 1, 1, dtype=torch.float64)
    a[10::40] = 1.0
    b[10 + leads[0] :: 40] = 1.0
    rule, w = sp.RectangularSTDP(), torch.full((1, 1), 0.5, dtype=torch.float64)
    assert sp.learn(rule, w, a, b).w.item() == pytest.approx(expected[0], abs=1e-3)
    assert sp.learn(rule, w, b, a).w.item() == pytest.approx(expected[1], abs=1e-3)


@pytest.mark.parametrize("dt", [0.1, 0.3, 1.0])
def test_rectangular_window_in_any_step(dt):
    """The window ends before 5 ms, also where 5 ms is no multiple of dt."""
    rule, w = sp.RectangularSTDP(dt=dt), torch.full((1, 1), 0.4)
    last = math.ceil(5 / dt - 1e-9) - 1
    for steps, factor in ((last, 1.7), (last + 1, 1.0)):
        pre, post = (value.float() for value in pair(steps, 21 + steps))
        assert sp.learn(rule, w, pre, post).w.item() / 0.4 == pytest.approx(factor, rel=1e-6)


FORMS = {
    "Kheradpisheh 2018": lambda w: (w + 0.004 * w * (1 - w), w - 0.003 * w * (1 - w)),
    "Querlioz 2013": lambda w: (w + 0.01 * math.exp(-3 * w), w - 0.005 * math.exp(-3 * (1 - w))),
    "Tavanaei 2017": lambda w: (w + 0.01 * math.exp(-w), w - 0.0075),
    "Falez 2020 multiplicative": lambda w: (w + 0.1 * math.exp(-w), w - 0.1 * math.exp(w - 1)),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("causal", [True, False])
def test_simplified_forms(name, causal):
    rule = sp.SimplifiedSTDP.preset(name)
    window = float(rule.window)
    for start in (0.2, 0.5, 0.9):
        w = torch.full((1, 1), start, dtype=torch.float64)
        for lag in (-5, 0, 1, 5, 20, 21):
            up = (lag > 0 or (lag == 0 and causal)) and lag <= window
            got = sp.learn(rule, w, *pair(lag, 60), causal=causal).w.item()
            assert got == pytest.approx(FORMS[name](start)[0 if up else 1], abs=1e-9)


def test_simplified_depresses_silent_inputs_and_converges():
    """Half of the inputs come before each postsynaptic spike: weights gather at the bounds, mean w (1 - w) < 0.05."""
    pre, post = torch.zeros(10, 1, 20), torch.zeros(10, 1, 1)
    pre[2, :, :10], pre[8, :, 10:15], post[5] = 1.0, 1.0, 1.0
    rule = sp.SimplifiedSTDP(a_plus=0.04, a_minus=0.03)
    w = torch.rand(1, 20, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.45
    for _ in range(150):
        w = sp.learn(rule, w, pre, post).w.mean(0)
    assert float(w[0, :10].min()) > 0.95
    assert float(w[0, 10:].max()) < 0.05
    assert float((w * (1 - w)).mean()) < 0.05


def test_biological_form_is_a_pair_rule():
    """One spike each in a trial: dw = a exp(-(post - pre)/tau), or -a exp(-(pre - post)/tau)."""
    rule = sp.STDP.preset("Falez 2020 biological")
    for lag in (-12, -1, 1, 12):
        got = sp.learn(rule, torch.full((1, 1), 0.5).double(), *pair(lag)).w.item()
        assert got - 0.5 == pytest.approx(math.copysign(0.1 * math.exp(-abs(lag) / 10), lag), abs=1e-9)


@pytest.mark.parametrize("causal", [True, False])
def test_diehl_cook_by_hand(causal):
    """Traces are ages of last spikes; a postsynaptic spike sees the one before it in post2."""
    rule = sp.DiehlCookSTDP(nu_pre=0.01, nu_post=0.05, tau_pre=11.0, tau_post1=17.0, tau_post2=31.0)
    pre, post = trains(4, steps=120, rate=0.1)
    w = sp.learn(rule, torch.full((4, 3), 0.5, dtype=torch.float64), pre, post, causal=causal).w

    def left(times, t, tau, same):
        last = [s for s in times if (s <= t if same else s < t)][-1:]
        return math.exp(-(t - last[0]) / tau) if last else 0.0

    for b, i, j in torch.cartesian_prod(torch.arange(2), torch.arange(4), torch.arange(3)).tolist():
        ins, outs = (train.nonzero().flatten().tolist() for train in (pre[:, b, j], post[:, b, i]))
        expected = 0.5
        for t in range(120):
            change = {"pre": -0.01 * left(outs, t, 17.0, False) * (t in ins)}
            change["post"] = 0.05 * left(ins, t, 11.0, causal) * left(outs, t, 31.0, False) * (t in outs)
            for side in ("pre", "post") if causal else ("post", "pre"):
                expected = min(1.0, max(0.0, expected + change[side]))
        assert float(w[b, i, j]) == pytest.approx(expected, abs=1e-9)


def test_power_law_pair():
    rule = sp.PowerLawSTDP(eta=0.1, alpha=0.11, mu=0.4, w_0=2.0)
    w = torch.full((1, 1), 45.0, dtype=torch.float64)
    up, down = (sp.learn(rule, w, *pair(lag)).w.item() - 45 for lag in (7, -7))
    assert up == pytest.approx(0.1 * 2**0.6 * 45**0.4 * math.exp(-7 / 20), rel=1e-9)
    assert down == pytest.approx(-0.1 * 0.11 * 45 * math.exp(-7 / 20), rel=1e-9)


def test_interval_by_hand():
    """One update at the end of each interval: potentiation where the neuron spiked in it, depression elsewhere."""
    rule = sp.IntervalSTDP(every=10.0, a_plus=0.05, a_minus=0.02, n_step=3.0, dependence=sp.Additive())
    pre, post = trains(6, steps=101, rate=0.08)
    w = sp.learn(rule, torch.full((4, 3), 0.5, dtype=torch.float64), pre, post).w
    for b, i, j in torch.cartesian_prod(torch.arange(2), torch.arange(4), torch.arange(3)).tolist():
        ins, outs = (train.nonzero().flatten().tolist() for train in (pre[:, b, j], post[:, b, i]))
        expected = 0.5
        for t in range(10, 101, 10):
            so_far, before = [q for q in outs if q <= t], [p for p in ins if p <= t]
            x, y = (math.exp(-(t - s[-1]) / 20) if s else 0.0 for s in (before, so_far))
            spiked = any(t - 10 < q for q in so_far)
            expected += 0.05 * math.ceil(len(so_far) / 3) * x if spiked else -0.02 * y
            expected = min(1.0, max(0.0, expected))
        assert float(w[b, i, j]) == pytest.approx(expected, abs=1e-9)
