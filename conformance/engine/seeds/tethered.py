"""``python -m …seeds.tethered FD MODULE …``: a module that ends with who started it.

The other end of the pipe FD is held by the starter alone. Where it closes, because the starter was
killed, the module is interrupted as by Ctrl-C, and cleans up behind itself.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from threading import Thread

NAME = "conformance.engine.seeds.tethered"


def _interrupt_at_the_end_of(lifeline: int) -> None:
    """Interrupt this process once nobody holds the other end of a pipe."""
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    Thread(target=_interrupt_at_the_end_of, args=(int(sys.argv[1]),), daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
