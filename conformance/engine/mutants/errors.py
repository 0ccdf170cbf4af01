"""Errors that end a run of mutants with a message."""


class MutantsError(Exception):
    """Base of the errors of a run of mutants."""


class ChoiceError(MutantsError):
    """A token, a phase or a file that was asked for names nothing."""


class RecordError(MutantsError):
    """The record of equivalents says something that is not so, or cannot be read."""


class BaselineError(MutantsError):
    """The unmutated schema fails what should tell mutants from it."""


class StuckError(MutantsError):
    """No worker has answered for longer than anything takes."""


class SurvivorsError(MutantsError):
    """Mutants survived, or are wrongly excused."""
