"""What a study knows, from its journal: the ranking, the group of the best, the front of score and cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.ranking import front
from pipeline.ranking.group import Group, group_of, objectives_of
from pipeline.ranking.order import ranked
from pipeline.ranking.summaries import summaries
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.trial import Summary


def ranking(contents: journal.Contents, epochs: int) -> tuple[Summary, ...]:
    """Everything that a journal knows of trainings with that limit of epochs, best first, the baseline among them."""
    return ranked(each for each in summaries(contents.repeats, contents.imported) if each.epochs == epochs)


def searched(contents: journal.Contents, epochs: int) -> tuple[Summary, ...]:
    """The ranking without the default network: what the workbook numbers from 1."""
    return tuple(each for each in ranking(contents, epochs) if each.stage != "baseline")


def best_group(contents: journal.Contents, epochs: int) -> Group:
    """The best configuration that a journal knows, and those that cannot be told apart from it."""
    return group_of(searched(contents, epochs), objectives_of(contents.repeats, epochs))


def elite_of(contents: journal.Contents) -> frozenset[str]:
    """The keys of the elite that the latest stage 2 set out from; none where it was never begun."""
    begun = [stage for stage in contents.stages if stage.stage == "refine"]
    return frozenset(str(key) for key in begun[-1].facts.get("elite", ())) if begun else frozenset()


@dataclass(frozen=True, slots=True)
class KnownStudy:
    """A study at rest: what it is, and what its journal holds."""

    folder: StudyFolder
    stored: identity.Stored
    contents: journal.Contents

    @property
    def epochs(self) -> int:
        """The limit of epochs of its full trainings."""
        found = self.stored.fingerprint["epochs"]
        assert isinstance(found, int)
        return found

    @property
    def ranking(self) -> tuple[Summary, ...]:
        """Its configurations, best first, the default network aside."""
        return searched(self.contents, self.epochs)

    @property
    def group(self) -> Group:
        """The best configuration, and those that cannot be told apart from it."""
        return best_group(self.contents, self.epochs)

    def front(self, cost: str) -> tuple[Summary, ...]:
        """The configurations of which every better one costs more, best first; UserError for an unknown cost."""
        if cost not in front.COSTS:
            raise UserError(f"There is no cost {cost!r}", expected=" or ".join(front.COSTS))
        return front.front_of(self.ranking, cost)


def stored_identity(study: Path) -> identity.Stored:
    """What a study is; UserError for a folder that is none, or does not say how long its trainings are."""
    folder = StudyFolder(study).required()
    stored = identity.read(folder.identity)
    if not isinstance(stored.fingerprint.get("epochs"), int):
        raise UserError(f"{folder.identity} does not say how many epochs the study has", hint="restore it")
    return stored


def open_study(study: Path) -> KnownStudy:
    """Read a study folder; UserError for a folder that is none, DamagedFile where a file is not what was written."""
    return KnownStudy(StudyFolder(study), stored_identity(study), journal.read(StudyFolder(study).journal))
