"""Write the pages that are made from the code: `make docs`."""

from __future__ import annotations

from pathlib import Path

from rich.progress import track

from spikeloom.report.catalogue import catalogue
from spikeloom.report.model_page import write_pages

FOLDER = Path(__file__).parent


def main() -> None:
    """The pages of the models, with their pictures."""
    models = catalogue()
    for _ in track(write_pages(models, FOLDER / "models"), "models", len(models)):
        pass


if __name__ == "__main__":
    main()
