"""The documentation as a site: every page is in it, every link leads somewhere."""

from pathlib import Path
from typing import Any, Final

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from conformance.engine.mutants.command import SUMMARY

ROOT: Final = Path(__file__).parents[2]


def built(folder: Path, **settings: Any) -> Path:
    """Build the site into a folder, as `just site` does, and return the folder."""
    config = load_config(
        config_file=str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder), **settings
    )
    build(config)
    return folder


def test_the_site_holds_every_page(tmp_path: Path) -> None:
    """Each page of docs/ is in the navigation; commands and options are listed from the code."""
    site = built(tmp_path)

    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages | {"index", "schema", "commands", "options"} <= {
        page.stem for page in site.glob("*.html")
    }
    start = (site / "index.html").read_text()
    assert [] == [page for page in pages if f'href="{page}.html"' not in start]
    assert SUMMARY in " ".join((site / "commands.html").read_text().lower().split())
    assert "--migrations" in (site / "options.html").read_text()
    assert not list(site.glob("*.py"))


def test_a_broken_link_ends_the_build(tmp_path: Path) -> None:
    """A link to an anchor that is not there is an error."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "page.md").write_text("# A page\n\n[nowhere](page.md#nowhere)\n")

    with pytest.raises(Abort):
        built(tmp_path / "site", docs_dir=str(docs), nav=[{"A page": "page.md"}], hooks=[])
