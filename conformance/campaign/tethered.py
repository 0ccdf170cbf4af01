"""``python -m conformance.campaign.tethered FD MODULE …``: a module that ends with who started it.

The other end of the pipe FD is held by the starter alone. Where it closes, because the starter was
killed, the module is interrupted as by Ctrl-C, and cleans up behind itself.
"""

from __future__ import annotations

import runpy
import sys
from threading import Thread

from conformance.seeds.recorder import interrupt_at_the_end_of

if __name__ == "__main__":
    Thread(target=interrupt_at_the_end_of, args=(int(sys.argv[1]),), daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
