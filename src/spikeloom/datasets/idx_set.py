"""Data sets in the four files of MNIST: found on disk, or downloaded; verified; parsed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from spikeloom.datasets.dataset import Dataset, Split
from spikeloom.datasets.download import download as fetch
from spikeloom.datasets.folders import ENVIRONMENT, search_folders
from spikeloom.datasets.idx import parse_idx, unpack
from spikeloom.errors import DataError


@dataclass(frozen=True)
class IdxSet:
    """A published data set in idx files: its addresses, and the SHA-256 of each *unpacked* file.

    Gzip wrappers differ between publishers and copies, therefore checksums are of the content.
    """

    name: str
    classes: tuple[str, ...]
    addresses: tuple[str, ...]
    sha256: Mapping[str, str]
    licence: str
    citation: str

    def load(self, data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
        """Read the set from disk, downloading the files that are missing.

        Raises: DataError (files missing and not to be had; damaged or other content; a folder that does not exist).
        """
        folders = search_folders(self.name, data_dir)
        complete = [folder for folder in folders if not self._missing(folder)]
        folder = complete[0] if complete else folders[-1]
        if not complete:
            self._fetch(folders, download)
        return Dataset(
            name=self.name,
            train=self._split(folder, "train"),
            test=self._split(folder, "t10k"),
            classes=self.classes,
            licence=self.licence,
            citation=self.citation,
        )

    def _missing(self, folder: Path) -> list[str]:
        return [name for name in self.sha256 if _find(folder, name) is None]

    def _fetch(self, folders: list[Path], download: bool) -> None:
        folder = folders[-1]
        try:
            for name in self._missing(folder) if download else ():
                addresses = tuple(f"{address}{name}.gz" for address in self.addresses)
                fetch(addresses, folder / f"{name}.gz", verify=self._verifier(name))
        except DataError as error:
            raise self._not_found(folders, str(error)) from error
        except OSError as error:
            raise self._not_found(folders, f"cannot write to {folder}: {error}") from error
        if self._missing(folder):
            raise self._not_found(folders, "no download was asked for")

    def _not_found(self, folders: list[Path], why: str) -> DataError:
        places = "; ".join(f"{folder} lacks {', '.join(self._missing(folder))}" for folder in folders)
        return DataError(
            f"files of {self.name}",
            expected=f"{', '.join(self.sha256)} (each plain or with .gz) together in one folder",
            got=f"{places}; {why.rstrip('.')}",
            do=f"put them into a folder DIR/{self.name} and name DIR with data_dir, --data-dir or {ENVIRONMENT}",
        )

    def _verifier(self, name: str) -> Callable[[Path], None]:
        def verify(path: Path) -> None:
            self._content(path, name)

        return verify

    def _content(self, path: Path, name: str) -> bytes:
        content = unpack(path)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256[name]:
            raise DataError(
                f"{path}, unpacked",
                expected=f"the {name} of {self.name} with SHA-256 {self.sha256[name]}",
                got=found,
                do="delete it to have it fetched again, or put the publisher's file there",
            )
        return content

    def _split(self, folder: Path, part: str) -> Split:
        images = self._tensor(folder, f"{part}-images-idx3-ubyte")
        labels = self._tensor(folder, f"{part}-labels-idx1-ubyte")
        return Split(images.unsqueeze(1), labels.to(torch.int64))

    def _tensor(self, folder: Path, name: str) -> torch.Tensor:
        path = _find(folder, name)
        if path is None:
            raise DataError(
                f"{folder / name}", expected="a file", got="none", do="it was there a moment ago: load again"
            )
        return torch.from_numpy(parse_idx(self._content(path, name), str(path)).copy())


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)
