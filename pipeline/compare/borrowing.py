"""Borrowing: results of another study of the same protocol are copied with their models instead of trained again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pipeline import saved_models
from pipeline.errors import StudyMismatch
from pipeline.ledger import journal
from pipeline.run.evaluator import Borrow
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.trial import Repeat, Training

BORROWED: Final = "from "  # followed by the folder's name, in place of the slot that trained it


def borrower(
    study: Path,
    lenders: Sequence[Path],
    fingerprint: Mapping[str, Any],
    common_of: Callable[[Training], saved_models.Common],
) -> Borrow:
    """Make a function that copies a result into the study from the first lender that has it.

    Raise StudyMismatch for a lender with other data or another protocol. Failed trainings are never borrowed: a worker
    that died says nothing about a configuration. Results that a lender borrowed itself are borrowed like its own.
    """
    owned: dict[tuple[str, int, int], tuple[Path, Repeat]] = {}
    for lender in lenders:
        differing = identity.differences(identity.read(StudyFolder(lender).identity).fingerprint, fingerprint)
        if differing:
            raise StudyMismatch(
                f"Nothing can be borrowed from {lender}: it has other data or another protocol",
                expected=f"the same {', '.join(differing)}",
            )
        for repeat in journal.read(StudyFolder(lender).journal).repeats:
            if not repeat.failed:
                owned.setdefault(repeat.training.identity, (lender, repeat))

    def borrow(training: Training) -> Repeat | None:
        if training.identity not in owned:
            return None
        lender, repeat = owned[training.identity]
        if repeat.model:
            saved_models.adopt(study, lender, repeat, common_of(training))
        return replace(repeat, slot=f"{BORROWED}{lender.name}")

    return borrow


def is_borrowed(repeat: Repeat) -> bool:
    """True if a repeat was copied from another study."""
    return repeat.slot.startswith(BORROWED)
