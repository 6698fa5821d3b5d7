"""Linear and convolution products on spikes: dense, through oneDNN, or visiting only the spikes."""

from ._choice import Choice, choices, using, watched
from ._convolution import convolution
from ._linear import linear
from ._whole import whole_convolution

__all__ = ["Choice", "choices", "convolution", "linear", "using", "watched", "whole_convolution"]
