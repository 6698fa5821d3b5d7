"""Write the pages that are made from the code: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

from rich.progress import track

from spikeloom.coding import catalogue as codes
from spikeloom.report import write_codes
from spikeloom.report._figure import save_figure
from spikeloom.report.catalogue import catalogue
from spikeloom.report.model_page import write_pages

FOLDER = Path(__file__).parent


def main() -> None:
    """The pages of the models and of the codes, with their pictures, and the picture of the page on cables."""
    models = catalogue()
    for _ in track(write_pages(models, FOLDER / "models"), "models", len(models)):
        pass
    for _ in track(write_codes(FOLDER), "codes", len(codes()) + 1):
        pass
    page: dict[str, object] = {}
    (code,) = re.findall(r"```python\n(.*?)```", (FOLDER / "cables.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(code, page)
    save_figure(page["figure"], FOLDER / "cable.png", dpi=80, colours=64)


if __name__ == "__main__":
    main()
