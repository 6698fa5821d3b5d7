"""Where a system was published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """Authors, year, title and venue, and where it is to be found.

    >>> print(Reference("Thorpe and Gautrais", 1998, "Rank order coding", "Computational Neuroscience", doi="10.1/2"))
    Thorpe and Gautrais (1998), "Rank order coding", Computational Neuroscience, doi:10.1/2
    """

    authors: str
    year: int
    title: str
    venue: str = ""
    arxiv: str = ""
    doi: str = ""

    @property
    def link(self) -> str:
        """Its address; empty where neither doi nor number of arXiv is known."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else ""

    @property
    def short(self) -> str:
        """Authors and year."""
        return f"{self.authors} {self.year}"

    def __str__(self) -> str:
        places = [self.venue, f"arXiv:{self.arxiv}" if self.arxiv else "", f"doi:{self.doi}" if self.doi else ""]
        return ", ".join([f'{self.authors} ({self.year}), "{self.title}"', *filter(None, places)])
