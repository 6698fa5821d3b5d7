"""Where the commands speak: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.panel import Panel
from rich.text import Text


def output() -> Console:
    """A console on standard output; made anew each time because tests replace the stream."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def messages() -> Console:
    """A console on standard error."""
    return Console(file=sys.stderr, highlight=False)


def show_error(message: str, *, title: str = "Error") -> None:
    """Print a message in a frame; its brackets are text, not markup."""
    messages().print(Panel(Text(message), title=title, title_align="left", border_style="red"))


def show_note(message: str) -> None:
    """Print a line that is no result."""
    messages().print(Text(message), soft_wrap=True)
