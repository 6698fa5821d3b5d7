"""Speed and memory of Spikeloom beside its peers, measured in one run on the same work: ``python -m benchmarks``."""
