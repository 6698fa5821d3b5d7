"""Changes to training images that keep their class."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def shift_images(images: Tensor, pixels: int, *, generator: torch.Generator) -> Tensor:
    """Translate each image by up to `pixels` whole pixels along each axis, drawn independently; what comes in is 0.

    Shapes: `images` is [B, C, H, W], and so is the result.

    >>> shift_images(torch.ones(5, 1, 8, 8), 1, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([5, 1, 8, 8])
    """
    if pixels == 0:
        return images
    batch, _, height, width = images.shape
    padded = pad(images, (pixels,) * 4)
    start = torch.randint(2 * pixels + 1, (2, batch, 1), generator=generator)
    rows = start[0] + torch.arange(height)
    columns = start[1] + torch.arange(width)
    image = torch.arange(batch)[:, None, None]
    # Two index arrays around the channel slice put the channels last.
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
