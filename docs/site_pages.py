"""Pages of the site that are no files of `docs/`: the READMEs, and a reference made from the code.

MkDocs calls these functions by their names. Links out of `docs/` become links between pages, or,
where the target is no page, the name of the file.
"""

from __future__ import annotations

import argparse
import posixpath
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.structure.files import File

from conformance import plugin
from conformance.commands import command_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
# Files of the project that are pages, by the page's name.
FILES: Final = {
    "index.md": "README.md",
    "schema.md": "migrations/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}
LINK: Final = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:)([^)#\s]*)(#[^)\s]+)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {page: (ROOT / file).read_text(encoding="utf-8") for page, file in FILES.items()}
    made |= {"commands.md": commands(), "options.md": options()}
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links be links of the site."""
    del config
    source = FILES.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def of_the_site(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if not target:
            return match[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        name = next((name for name, each in FILES.items() if each == file), "")
        name = name or file.removeprefix("docs/")
        known = files.get_file_from_path(name) is not None
        return f"[{text}]({name}{anchor})" if known else text

    return LINK.sub(of_the_site, markdown)


def commands() -> str:
    """Return the page of all commands, each with its own help."""
    lines = [
        "# Commands",
        "",
        "`framecast-conformance COMMAND`, or `python -m conformance COMMAND`.",
        "",
    ]
    for name, each in _commands(command_parser()):
        lines += [f"## {name}", "", "```text", each.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


def _commands(whole: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in whole._actions:  # noqa: SLF001 - there is no public way to the commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            yield from action.choices.items()


class _Options:
    """Parser of pytest to those who add options, which become lines of a page."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def getgroup(self, *_: object, **__: object) -> _Options:
        """Return the group, which is this one whatever its name."""
        return self

    def addoption(self, *names: str, **settings: object) -> None:
        """Add the lines of an option."""
        value = settings.get("metavar") or ""
        self.lines += [f"`{', '.join(names)}{f' {value}' if value else ''}`", ""]
        self.lines += [f":   {settings.get('help') or ''}", ""]

    def addini(self, *_: object, **__: object) -> None:
        """Leave settings of files out."""


def options() -> str:
    """Return the page of pytest's options that are the suite's."""
    taken = _Options()
    for module in (plugin, *map(import_module, plugin.pytest_plugins)):
        if hasattr(module, "pytest_addoption"):
            module.pytest_addoption(taken)
    return "\n".join(["# Options of pytest", "", *taken.lines])
