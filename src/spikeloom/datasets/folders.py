"""Where data sets are looked for, and where downloads go."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from spikeloom.errors import DataError

ENVIRONMENT = "SPIKELOOM_DATA"


def user_folder() -> Path:
    """The folder for downloads, by the platform's convention for data of a user."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "spikeloom"


def search_folders(name: str, data_dir: str | Path | None) -> list[Path]:
    """The folders that may hold the files of a data set, in the order in which they are tried.

    `data_dir`, or else the folder that the environment variable SPIKELOOM_DATA names: its subfolder of the data set's
    name, then itself; last the user's folder, where downloads go.
    Raises: DataError (the folder named does not exist).
    """
    given = data_dir if data_dir is not None else os.environ.get(ENVIRONMENT)
    if not given:
        return [user_folder() / name]
    folder = Path(given).expanduser()
    if not folder.is_dir():
        what = "data_dir" if data_dir is not None else ENVIRONMENT
        raise DataError(what, expected="an existing folder", got=str(folder), do="create it, or correct the name")
    return [folder / name, folder, user_folder() / name]
