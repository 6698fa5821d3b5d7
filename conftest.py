"""What is collected (the back end of PyNN only where PyNN is installed), and the seed that each test begins with."""

import importlib.util
import random

import numpy as np
import pytest
import torch

collect_ignore_glob = [] if importlib.util.find_spec("pyNN") else ["src/spikeloom/pynn/*"]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """A test or example that draws without a seed of its own draws the same on every machine and in any order."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
