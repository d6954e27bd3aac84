"""The mistakes that a user can mend, told apart from defects of the program."""


class UserError(Exception):
    """Says in one text what was expected, what came and what to do; the command line prints it and exits with 2."""

    def __init__(self, what: str, *, expected: str = "", came: str = "", todo: str = "") -> None:
        parts = [what, expected and f"Expected: {expected}", came and f"Came: {came}", todo and f"To do: {todo}"]
        super().__init__("\n  ".join(part if part.endswith((".", "?")) else f"{part}." for part in parts if part))
        self.what = what


class StudyMismatch(UserError):
    """The study folder was made with other data or another protocol; the text names the fields that differ."""


class DamagedFile(UserError):
    """A stored file does not hold what was written into it; nothing of it was used."""


class DivergedTraining(Exception):
    """A training whose loss or predictions are no longer finite: a failed repeat, never a score."""
