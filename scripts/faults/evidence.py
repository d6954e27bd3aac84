"""Check of a study folder after a fault: nothing lost, nothing doubled, nothing damaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.ledger.records import unframe
from pipeline.maintenance.audit import audit
from pipeline.study_folder import layout
from pipeline.study_folder.layout import StudyFolder
from pipeline.trial import Repeat

Identity = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The findings; a sound study has three empty tuples."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    known: Mapping[Identity, Repeat] = field(default_factory=dict)  # the repeats now in the journal

    @property
    def sound(self) -> bool:
        """True if there are no findings."""
        return not (self.lost or self.doubled or self.damaged)


def gather(study: Path, before: Mapping[Identity, Repeat], *, finished: bool) -> Evidence:
    """Compare the folder with the earlier contents of its journal; `finished`: its last run was not killed.

    A killed run may leave temporary files and an outdated workbook: the next run fixes both.
    """
    path = StudyFolder(study).journal
    damaged = [str(each) for each in audit(study) if finished or _counts(each.file, path)] if study.exists() else []
    try:
        repeats = journal.read(path).repeats
    except UserError as error:
        return Evidence(damaged=(*damaged, str(error)), known=before)
    known = {repeat.training.identity: repeat for repeat in repeats}
    lost = [f"{name} was in the journal" for name in before if name not in known]
    doubled = [f"{name} was trained again" for name, each in before.items() if known.get(name, each) != each]
    if path.exists():
        lines = Counter(line for line in path.read_bytes().splitlines(keepends=True) if b'"kind":"repeat"' in line)
        doubled += [f"a line stands {count} times: {line[:80]!r}" for line, count in lines.items() if count > 1]
        whole = sum(unframe(line) is not None for line in lines)
        if whole != len(known):
            doubled.append(f"{whole} lines for {len(known)} repeats")
    return Evidence(tuple(lost), tuple(doubled), tuple(damaged), known)


def _counts(file: Path, journal_file: Path) -> bool:
    """Whether a finding about this file counts even if the run was killed."""
    temporary = file.name.startswith(".")
    unwritten = file.name in (layout.IDENTITY, layout.JOURNAL) and not file.exists() and not journal_file.exists()
    return not (temporary or unwritten or file.name == layout.WORKBOOK)


def facts(known: Mapping[Identity, Repeat]) -> frozenset[tuple[object, ...]]:
    """The facts of a journal except order and timings, including the digests of the weights."""
    return frozenset(
        (*name, each.stage, each.seed, each.objective, each.model, each.best_epoch, each.epochs_run, each.error)
        for name, each in known.items()
    )
