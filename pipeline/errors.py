"""The mistakes that a user can mend, told apart from defects of the program."""


class UserError(Exception):
    """Says in one text what was expected, what it got and what to try; the command line prints it and exits with 2."""

    def __init__(self, what: str, *, expected: str = "", got: str = "", hint: str = "") -> None:
        parts = [what, expected and f"Expected: {expected}", got and f"Got: {got}", hint and f"Try: {hint}"]
        super().__init__("\n  ".join(part if part.endswith((".", "?")) else f"{part}." for part in parts if part))
        self.what = what


class StudyMismatch(UserError):
    """The study folder was made with other data or another protocol; the text names the fields that differ."""


class DamagedFile(UserError):
    """A stored file does not hold what was written into it; nothing of it was used."""


class DivergedTraining(Exception):
    """A training whose loss or predictions are no longer finite: a failed repeat, never a score."""
