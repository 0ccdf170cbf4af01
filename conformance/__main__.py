"""The command line: ``python -m conformance COMMAND``."""

from framecast_conformance.command import run

if __name__ == "__main__":
    run()
