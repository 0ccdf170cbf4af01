"""Schemas that somebody else might have written get verdicts that are neither kind nor unjust."""

from pathlib import Path

import pytest

from tests.planted.variations import VARIATIONS, Variation
from tests.planted.variations.running import HASTY, ONE_PROCESS, SEED, run, unjust

pytestmark = pytest.mark.slow
HELD_ALL, SOME_FAILED = 0, 1
SCREEN = 24  # lines


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda each: each.name.replace(" ", "_"))
def test_a_variation_gets_its_verdicts(variation: Variation, tmp_path: Path) -> None:
    """Each rule that a variation touches gets its verdict, no other is blamed, all in few lines."""
    ended = run(variation, tmp_path, "-q", "-k", variation.chosen, SEED, *HASTY, *ONE_PROCESS)
    shown = "\n".join(ended.lines[-100:])

    assert {} == unjust(variation, ended), shown
    for rule, named in variation.names.items():
        assert named in ended.said_of(rule), shown
    assert (SOME_FAILED if ended.unheld else HELD_ALL) == ended.code, shown
    assert len(ended.lines) <= (variation.lines if ended.unheld else SCREEN), shown
