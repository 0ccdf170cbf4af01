"""Run the whole suite on each variation: `python -m tests.planted.variations [NAME…]`.

Prints of each how many lines its run printed and the first ten lines of its table of verdicts; ends
with 1 if a rule was blamed that is innocent, or held where it is not.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.planted.variations import VARIATIONS
from tests.planted.variations.running import run, unjust

SHOWN: Final = 10


def main(names: list[str]) -> int:
    """Run the variations whose names hold one of some texts, or all of them; return 1 if any fails.

    Args:
        names: the texts.
    """
    failed = 0
    for variation in VARIATIONS:
        if names and not any(name in variation.name for name in names):
            continue
        start = time.monotonic()
        with TemporaryDirectory() as folder:
            ended = run(variation, Path(folder), "-q")
        seconds = time.monotonic() - start
        wrong = unjust(variation, ended, whole=True)
        failed += bool(wrong)
        counts = ended.report.get("verdicts", {})
        told = (
            f"\n== {variation.name}",
            f"exit {ended.code}, {len(ended.lines)} lines printed, {seconds:.0f} s",
            ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count),
            f"wrong: {wrong or 'none'}",
            *ended.table[:SHOWN],
        )
        sys.stdout.write("\n".join(told) + "\n")
        sys.stdout.flush()
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
