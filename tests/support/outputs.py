"""Standard error of commands, whose progress depends on how busy a machine is."""

from conformance.engine.progress import PREFIX


def without_progress(text: str) -> str:
    """Return what a command said beside how far it had come."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(PREFIX))
