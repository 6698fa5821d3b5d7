"""README and docs: their code runs, their commands exist, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, *languages: str) -> list[str]:
    return [body for language, body in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def commands(page: Path) -> list[list[str]]:
    """The words of every command line in the page's shell blocks."""
    lines = "\n".join(blocks(page, "sh", "bash", "console")).replace("\\\n", " ").splitlines()
    words = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]
    return [command for command in words if command]


def anchors(page: Path) -> set[str]:
    """Names that GitHub gives to the page's headings."""
    headings = re.findall(r"^#+ +(.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_code_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A real module: what a page defines can then be pickled, as in a script.
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for number, body in enumerate(blocks(page, "python"), start=1):
        exec(compile(body, f"{page.name}, python block {number}", "exec"), module.__dict__)


def _check_make(arguments: list[str]) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    unknown = [word for word in arguments if "=" not in word and word not in targets]
    assert not unknown, f"the Makefile has no target {unknown}"


def _check_spikeloom(arguments: list[str]) -> None:
    from spikeloom.cli import app

    group = typer.main.get_command(app)
    assert arguments, "spikeloom is named without a command"
    if arguments[0].startswith("-"):
        parameters = group.params
    else:
        known = getattr(group, "commands", {})
        assert arguments[0] in known, f"spikeloom has no command {arguments[0]!r}"
        parameters = known[arguments[0]].params
    options = {"--help", *(name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts))}
    unknown = [word for word in arguments if word.startswith("-") and word.partition("=")[0] not in options]
    assert not unknown, f"spikeloom {arguments[0]} has no option {unknown}"


def _check_python(arguments: list[str]) -> None:
    if arguments[0] == "-m":
        module = ROOT / arguments[1].replace(".", "/")
        assert arguments[1] in {"pip", "pytest", "venv"} or (module / "__main__.py").is_file()
    else:
        assert (ROOT / arguments[0]).is_file(), f"there is no {arguments[0]}"


CHECKS = {"make": _check_make, "spikeloom": _check_spikeloom, "python": _check_python}
PLAIN = {"pip", "git", "cd", "ruff", "torchrun"}


@every_page
def test_commands_exist(page: Path) -> None:
    for program, *arguments in commands(page):
        name = Path(program).name
        if name in CHECKS:
            CHECKS[name](arguments)
        else:
            assert name in PLAIN, f"{page.name} names the program {name!r}, which this test does not know"


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}, which is not there"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}, a heading that is not there"


def test_a_wrong_command_is_found() -> None:
    with pytest.raises(AssertionError, match="no target"):
        _check_make(["nothing-of-the-kind"])
    with pytest.raises(AssertionError, match="no command"):
        _check_spikeloom(["nothing-of-the-kind"])
    with pytest.raises(AssertionError, match="no option"):
        _check_spikeloom(["train", "--nothing-of-the-kind"])
