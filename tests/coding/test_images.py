"""Codes of images: contrast, whitening, the retina-like front end, scan lines."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from spikeloom.coding import (
    ConvolutionalWhitening,
    DifferenceOfGaussians,
    Direct,
    InhomogeneousPoisson,
    NeuronCode,
    Regular,
    Retina,
    ScanLine,
    Whitening,
    difference_of_gaussians,
    direct,
    first_spike_time,
    fit_whitening,
    fit_whitening_kernel,
    high_pass,
    on_off,
    on_off_decode,
    random_lines,
    scan,
    spike_count,
)
from spikeloom.errors import ParameterError, ShapeError

Probe = Callable[[Tensor], float]


def images() -> Tensor:
    return torch.from_numpy(load_digits().images) / 16.0


def white_noise_images(count: int = 4000, size: int = 8, seed: int = 0) -> Tensor:
    """Images in which neighbours are alike, the same everywhere: blurred noise, cut from a larger torus."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, size, size, generator=generator, dtype=torch.float64)
    frequency = torch.fft.fftfreq(size, d=1.0 / size, dtype=torch.float64)
    distance = (frequency**2 + frequency.view(-1, 1) ** 2).sqrt()
    return torch.fft.ifft2(torch.fft.fft2(noise) / (1.0 + distance)).real


def neighbours(x: Tensor) -> float:
    """The correlation of horizontal neighbours in the middle of images."""
    pairs = torch.stack((x[:, 2:6, 2:5].flatten(), x[:, 2:6, 3:6].flatten()))
    return torch.corrcoef(pairs)[0, 1].item()


def test_contrast_is_blind_to_light_and_linear() -> None:
    x = images()[:20]
    y = difference_of_gaussians(x)
    assert torch.allclose(difference_of_gaussians(3.0 * x + 2.0), 3.0 * y, atol=1e-12)
    assert difference_of_gaussians(torch.full((1, 5, 7), 0.4)).abs().max().item() < 1e-6


def test_contrast_of_a_point_is_the_difference_of_two_gaussians() -> None:
    x = torch.zeros(1, 25, 25, dtype=torch.float64)
    x[0, 12, 12] = 1.0
    offset = torch.arange(25, dtype=torch.float64) - 12
    square = offset**2 + offset.view(-1, 1) ** 2
    expected = torch.zeros(25, 25, dtype=torch.float64)
    for sigma, sign in ((1.5, 1.0), (3.0, -1.0)):
        # Cut at three widths, rounded up.
        inside = (offset.abs() <= -(-3 * sigma // 1)).double()
        g = torch.exp(-square / (2 * sigma**2)) * inside * inside.view(-1, 1)
        expected += sign * g / g.sum()
    assert torch.allclose(difference_of_gaussians(x, centre=1.5, surround=3.0)[0], expected, atol=1e-12)


def test_on_and_off_are_the_two_signs_of_an_edge() -> None:
    x = torch.zeros(1, 8, 16)
    x[..., 8:] = 1.0
    counts = spike_count(DifferenceOfGaussians(Regular(16), scale=0.2)(x))[0]
    on, off = counts[0].sum(0), counts[1].sum(0)
    assert on[8:12].min() > 0 and not on[:8].any()
    assert torch.equal(off, on.flip(0))


def test_on_off_is_undone_where_nothing_was_clipped() -> None:
    x = torch.linspace(-2.0, 2.0, 41, dtype=torch.float64).view(1, -1)
    assert torch.allclose(on_off_decode(on_off(x, scale=2.0), scale=2.0), x, atol=1e-12)
    assert on_off_decode(on_off(x, scale=0.5), scale=0.5).abs().max().item() == 0.5


def test_whitened_data_has_the_covariance_one() -> None:
    data = white_noise_images(2000, 4).flatten(1)
    mean, matrix = fit_whitening(data, epsilon=0.0)
    covariance = ((data - mean) @ matrix).T.cov()
    assert (covariance - torch.eye(16)).abs().max().item() < 1e-9
    # Of all whitening matrices the one that is symmetric and positive changes the data least.
    assert torch.allclose(matrix, matrix.T) and bool((torch.linalg.eigvalsh(matrix) > 0).all())


def test_epsilon_damps_as_stated() -> None:
    data = white_noise_images(2000, 4).flatten(1)
    values = torch.linalg.eigvalsh(data.T.cov())
    mean, matrix = fit_whitening(data, epsilon=0.01)
    damped = torch.linalg.eigvalsh(((data - mean) @ matrix).T.cov())
    assert torch.allclose(damped, values / (values + 0.01), atol=1e-9)


def test_pixels_that_never_change_need_an_epsilon() -> None:
    with pytest.raises(ParameterError, match="covariance of full rank"):
        fit_whitening(images(), epsilon=0.0)  # corners of the digits are always 0
    assert fit_whitening(images(), epsilon=1e-2).matrix.isfinite().all()


def test_whitened_values_come_back() -> None:
    x = images()[:200]
    encoder = Whitening(Direct(2), *fit_whitening(images(), epsilon=1e-2), scale=20.0)
    assert torch.allclose(encoder.decode(encoder(x)), x, atol=1e-9)
    coarse = Whitening(Regular(50), *fit_whitening(images(), epsilon=1e-2), scale=5.0)
    assert (coarse.decode(coarse(x)) - x).square().mean().sqrt().item() < 0.05


def test_a_convolution_whitens_images_of_the_same_statistics() -> None:
    train, test = white_noise_images(seed=1), white_noise_images(seed=2)
    mean, kernel = fit_whitening_kernel(train, size=5, epsilon=1e-4)
    encoder = ConvolutionalWhitening(Direct(1), mean, kernel, scale=8.0)
    white = on_off_decode(encoder(test)[0], scale=8.0)
    assert neighbours(test) > 0.3
    assert abs(neighbours(white)) < 0.05
    assert white[:, 2:6, 2:6].std().item() == pytest.approx(1.0, abs=0.05)


def test_other_features_than_those_fitted_are_refused() -> None:
    with pytest.raises(ShapeError, match="the fitted features"):
        Whitening.example()(torch.zeros(2, 7, 8))
    with pytest.raises(ParameterError, match="an odd number"):
        fit_whitening_kernel(torch.rand(5, 8, 8), size=4)
    with pytest.raises(ShapeError, match="at least 9 x 9"):
        fit_whitening_kernel(torch.rand(5, 8, 8), size=9)


@pytest.mark.parametrize("transient", [1.0, 0.6])
def test_high_pass_of_a_step_in_the_closed_form(transient: float) -> None:
    y = high_pass(torch.ones(50, 1, dtype=torch.float64), tau=7.0, transient=transient, dt=0.5)
    decay = torch.exp(-0.5 * torch.arange(1, 51, dtype=torch.float64) / 7.0)
    assert torch.allclose(y[:, 0], 1.0 - transient * (1.0 - decay), atol=1e-12)


def test_the_retina_tells_what_appears_and_then_adapts() -> None:
    flash = torch.zeros(1, 9, 9)
    flash[0, 3:6, 3:6] = 1.0
    spikes = Retina.example()(direct(flash, 200))
    assert spikes[:60].sum() > 0 and not spikes[120:].any()
    centre = spikes[:, 0, :, 4, 4].sum(0)
    assert centre[0] > 0 and centre[1] == 0


def test_the_retina_answers_stronger_contrast_earlier_and_more() -> None:
    spot = torch.zeros(3, 9, 9)
    spot[:, 4, 4] = torch.tensor([0.5, 0.7, 1.0])
    spikes = Retina(NeuronCode.example(), transient=0.5, scale=0.2)(direct(spot, 100))[:, :, 0, 4, 4]
    times, counts = first_spike_time(spikes), spike_count(spikes)
    assert bool((times.diff() < 0).all()) and bool((counts.diff() > 0).all())


def test_the_retina_by_rate_alone_fires_as_much_as_its_contrast() -> None:
    spot = torch.zeros(200, 9, 9)
    spot[:, 4, 4] = 0.5
    encoder = Retina(InhomogeneousPoisson(max_rate=500.0), transient=0.0)
    drive = encoder.transform(direct(spot, 50))[0, 0, 0, 4, 4].item()
    counts = spike_count(encoder(direct(spot, 50), torch.Generator().manual_seed(0)))[:, 0, 4, 4]
    assert counts.mean().item() == pytest.approx(50 * 0.5 * drive, rel=0.1)


def test_a_line_reads_the_pixels_it_crosses() -> None:
    x = torch.arange(16.0).view(1, 4, 4)
    lines = torch.tensor([[[0.125, 0.0], [0.125, 1.0]], [[0.0, 0.0], [1.0, 1.0]], [[1.0, 0.6], [0.0, 0.6]]])
    # The diagonal takes all steps, a side 1 / sqrt(2) of them: 28 of 40.
    read = scan(x, lines, 40)[:, 0]
    assert read[:, 1].unique_consecutive().tolist() == [0.0, 5.0, 10.0, 15.0]
    assert read[:28, 0].unique_consecutive().tolist() == [0.0, 1.0, 2.0, 3.0] and not read[28:, 0].any()
    assert read[:28, 2].unique_consecutive().tolist() == [14.0, 10.0, 6.0, 2.0]
    assert [int((read[:, 1] == value).sum()) for value in (0.0, 5.0, 10.0, 15.0)] == [10] * 4  # constant speed


def test_lines_start_and_end_on_different_sides() -> None:
    ends = random_lines(500, seed=3)
    assert bool(((ends >= 0) & (ends <= 1)).all())
    sides = torch.stack((ends[..., 0] == 0, ends[..., 0] == 1, ends[..., 1] == 0, ends[..., 1] == 1), dim=-1)
    assert bool((sides.sum(-1) == 1).all())
    assert not bool((sides[:, 0] & sides[:, 1]).any())
    assert torch.equal(ends, random_lines(500, seed=3)) and not torch.equal(ends, random_lines(500, seed=4))


def test_identical_images_give_identical_spikes() -> None:
    x = images()[:30]
    encoder = ScanLine(lines=12, steps=60, seed=5)
    torch.manual_seed(0)
    first = encoder(x)
    torch.manual_seed(1)
    assert torch.equal(first, encoder(x.clone()))
    assert torch.equal(first[:, 3:4], encoder(x[3:4]))
    assert not torch.equal(first, ScanLine(lines=12, steps=60, seed=6)(x))
    assert not torch.equal(first[:, 0], first[:, 1])


def test_sixteen_scan_lines_recognise_digits(probe: Probe) -> None:
    with torch.no_grad():
        spikes = ScanLine(lines=16, steps=60, seed=0)(images())
    features = spikes.view(6, 10, -1, 16).sum(1).permute(1, 0, 2).flatten(1)
    assert probe(features) >= 0.8  # chance is 0.1


def test_what_is_no_image_or_line_is_refused() -> None:
    with pytest.raises(ShapeError, match="height, width"):
        ScanLine.example()(torch.zeros(3, 8))
    with pytest.raises(ShapeError, match="start and end"):
        scan(torch.zeros(1, 8, 8), torch.zeros(3, 4), 5)
    with pytest.raises(ParameterError, match="surround of DifferenceOfGaussians"):
        DifferenceOfGaussians(Regular(4), centre=2.0, surround=2.0)
    with pytest.raises(ParameterError, match="transient of Retina"):
        Retina(NeuronCode.example(), transient=1.5)
