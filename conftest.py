"""What is collected: the back end of PyNN only where PyNN is installed."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("pyNN") else ["src/spikeloom/pynn/*"]
