"""`python -m spikeloom` is the `spikeloom` command, for example under `torchrun -m spikeloom`."""

from spikeloom.cli import app

if __name__ == "__main__":
    app()
