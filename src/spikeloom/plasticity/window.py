"""Which order of two spikes strengthens a synapse."""

from __future__ import annotations

from typing import ClassVar

from ..parameters import Declared


class Window(Declared):
    """Abstract: the signs of the two sides of a window of STDP."""

    # Whether the weight grows where the postsynaptic spike comes last, and where it comes first.
    post_last: ClassVar[bool]
    post_first: ClassVar[bool]


class Asymmetric(Window):
    """Pre before post strengthens, post before pre weakens: Hebbian. Source: Bi and Poo 1998, J. Neurosci. 18."""

    post_last = True
    post_first = False


class Reversed(Window):
    """Pre before post weakens, post before pre strengthens: anti-Hebbian.

    Source: Bell, Han, Sugawara and Grant 1997, Nature 387, who found the first half in electric fish.
    """

    post_last = False
    post_first = True


class Symmetric(Window):
    """Both orders strengthen. Source: Mishra, Kim, Guzman and Jonas 2016, Nature Communications 7."""

    post_last = True
    post_first = True
