"""The domain of a process: chosen by the name of a module, and seen through views."""

import os
import sys
from pathlib import Path

import pytest

from conformance.engine.domain import chosen
from conformance.engine.domain.chosen import COLUMNS, RULES, UnknownDomainError, domain
from conformance.framecast.domain import DOMAIN
from tests.support.environment import unchanged

SMALL = """
from conformance.engine.domain.domain import Domain

DOMAIN = Domain("small", {}, dict, frozenset({"test_rules"}))
"""


@pytest.fixture(autouse=True)
def _unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the choice, and where modules are looked for, as they were."""
    monkeypatch.setenv(chosen.VARIABLE, chosen.DEFAULT)
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr("sys.path", [*sys.path])


def test_framecast_is_the_domain_where_no_other_is_chosen() -> None:
    """Views show Framecast, entry by entry, where nobody has chosen another domain."""
    assert domain() is DOMAIN
    assert dict(RULES) == dict(DOMAIN.rules)
    assert list(COLUMNS) == list(DOMAIN.columns)


def test_views_show_the_domain_that_is_chosen(tmp_path: Path) -> None:
    """Views that were imported before show the domain that is chosen after."""
    (tmp_path / "small_domain.py").write_text(SMALL)

    chosen.choose("small_domain", tmp_path)

    assert "small" == domain().name
    assert not RULES
    assert not COLUMNS


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_domain", "--domain no_such_domain: there is no module no_such_domain"),
        ("conformance.nowhere.rules", "there is no module conformance.nowhere"),
        ("empty_domain", "empty_domain.py defines no DOMAIN of class Domain"),
    ],
)
def test_what_is_no_domain_is_named(name: str, said: str, tmp_path: Path) -> None:
    """A module without a domain ends in one message, which says what is missing where."""
    (tmp_path / "empty_domain.py").touch()

    with pytest.raises(UnknownDomainError, match=said):
        chosen.choose(name, tmp_path)


def test_an_error_in_a_domain_is_its_own(tmp_path: Path) -> None:
    """A module that a domain imports and that is not there is named by Python's own error."""
    (tmp_path / "broken_domain.py").write_text("import no_such_library\n")

    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        chosen.choose("broken_domain", tmp_path)


def test_what_a_choice_leaves_behind_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that chooses a domain leaves no variable, and no folder to look in, to the next."""
    (tmp_path / "small_domain.py").write_text(SMALL)
    monkeypatch.delenv(chosen.VARIABLE)
    before = dict(os.environ), [*sys.path]

    with unchanged():
        chosen.choose("small_domain", tmp_path)
        assert before != (dict(os.environ), sys.path)

    assert before == (dict(os.environ), sys.path)
