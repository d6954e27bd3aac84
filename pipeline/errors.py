"""Errors that a user can fix. Everything else that is raised is a defect of the program."""


class UserError(ValueError):
    """What went wrong, what was expected, what was found and what to try, in one text.

    The command line prints the text and exits with 2. Python programs can catch it as a ValueError. Code of this
    package that catches the ValueErrors of a library has to let a UserError through.

    Args:
        what: What went wrong, as a sentence.
        expected: What would have been right.
        got: What was found instead.
        hint: What the user can do about it.

    Attributes:
        what: The first sentence alone.
    """

    def __init__(self, what: str, *, expected: str = "", got: str = "", hint: str = "") -> None:
        parts = [what, expected and f"Expected: {expected}", got and f"Got: {got}", hint and f"Try: {hint}"]
        super().__init__("\n  ".join(part if part.endswith((".", "?")) else f"{part}." for part in parts if part))
        self.what = what
        self._advice = {"expected": expected, "got": got, "hint": hint}

    def within(self, place: str) -> "UserError":
        """The same error, of the same kind, that begins with a place: a file among several."""
        return type(self)(f"{place}: {self.what}", **self._advice)


class UnlikeTrainingWarning(UserWarning):
    """New rows are unlike the training rows: what networks predict for them is a guess; the text names the columns."""


class StudyMismatch(UserError):
    """The study folder belongs to other data or another protocol; the text names the fields that differ."""


class DamagedFile(UserError):
    """A stored file does not hold what this program wrote; nothing in it was used."""


class DivergedTraining(Exception):
    """The loss or the predictions of a training are no longer finite: it is a failed repeat and never gets a score."""
