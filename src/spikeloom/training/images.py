"""Read pictures from files into the form a trained network expects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spikeloom.errors import DataError

_ARRAY = ".npy"


def read_image(path: str | Path, *, shape: Sequence[int], invert: bool = False) -> Tensor:
    """An image file as a float tensor of `shape` (channels, height, width) with values in [0, 1].

    Pictures (PNG, JPEG and whatever else Pillow reads) are turned into grey values and resized. Arrays (`.npy`) must
    have the network's size already, [height, width] or [channels, height, width], as bytes or as floats in [0, 1].
    `invert` exchanges black and white: the data sets hold bright strokes on black ground.

    Raises: `DataError` where the file is missing, is no image, or has the wrong size or values.
    """
    path = Path(path)
    image = _read_array(path, shape) if path.suffix.lower() == _ARRAY else _read_picture(path, shape)
    return 1.0 - image if invert else image


def _read_picture(path: Path, shape: Sequence[int]) -> Tensor:
    from PIL import Image, UnidentifiedImageError

    channels, height, width = shape
    try:
        with Image.open(path) as picture:
            # A transparent ground counts as black, whatever colour lies hidden below it.
            flat = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture.convert("RGBA"))
            grey = flat.convert("L").resize((width, height), Image.Resampling.LANCZOS)
    except FileNotFoundError as error:
        raise DataError(f"image {path}", expected="an existing file", got="none", do="check the path") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        do = "give a PNG, JPEG or .npy file"
        raise DataError(f"image {path} cannot be read ({type(error).__name__})", do=do) from error
    values = torch.from_numpy(np.array(grey, dtype=np.float32) / 255.0)
    return values.expand(channels, height, width).clone()


def _read_array(path: Path, shape: Sequence[int]) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(f"image {path}", expected="an existing file", got="none", do="check the path") from error
    except (OSError, ValueError, EOFError) as error:
        do = "write it with numpy.save, without objects"
        raise DataError(f"image {path} cannot be read as an array", do=do) from error
    wanted = tuple(shape)
    if array.shape not in (wanted, wanted[1:]) or (array.ndim < len(wanted) and wanted[0] != 1):
        raise DataError(f"image {path}", expected=f"an array of shape {wanted}", got=f"shape {array.shape}")
    if array.dtype == np.uint8:
        return torch.from_numpy(array.astype(np.float32) / 255.0).reshape(wanted)
    if not np.issubdtype(array.dtype, np.floating):
        raise DataError(f"image {path}", expected="bytes (uint8) or floats", got=array.dtype)
    if not ((array >= 0.0) & (array <= 1.0)).all():
        do = "scale it to [0, 1] and remove NaN"
        raise DataError(f"image {path}", expected="values in [0, 1]", got="others", do=do)
    return torch.from_numpy(array.astype(np.float32)).reshape(wanted)
