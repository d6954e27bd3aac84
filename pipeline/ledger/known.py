"""The ranking of a study, its best group and its front of score and cost, all derived from the journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.ranking import front
from pipeline.ranking.group import Group, group_of, objectives_of
from pipeline.ranking.order import ranked, with_models
from pipeline.ranking.summaries import summaries
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.trial import Summary


def ranking(contents: journal.Contents, epochs: int) -> tuple[Summary, ...]:
    """The configurations trained with that limit of epochs, best first, including the default network."""
    return ranked(each for each in summaries(contents.repeats, contents.imported) if each.epochs == epochs)


def searched(contents: journal.Contents, epochs: int) -> tuple[Summary, ...]:
    """The ranking without the default network, as in the workbook."""
    return tuple(each for each in ranking(contents, epochs) if each.stage != "baseline")


def best_group(contents: journal.Contents, epochs: int) -> Group:
    """The best configuration of a journal, and those that are not significantly worse."""
    return group_of(searched(contents, epochs), objectives_of(contents.repeats, epochs))


def elite_of(contents: journal.Contents) -> frozenset[str]:
    """The keys of the elite with which the latest stage 2 started; empty if there was none."""
    begun = [stage for stage in contents.stages if stage.stage == "refine"]
    return frozenset(str(key) for key in begun[-1].facts.get("elite", ())) if begun else frozenset()


@dataclass(frozen=True, slots=True)
class KnownStudy:
    """A study that no run is working on: its identity and the contents of its journal."""

    folder: StudyFolder
    stored: identity.Stored
    contents: journal.Contents

    @property
    def epochs(self) -> int:
        """The epoch limit of its full trainings."""
        found = self.stored.fingerprint["epochs"]
        assert isinstance(found, int)
        return found

    @property
    def ranking(self) -> tuple[Summary, ...]:
        """Its configurations, best first, without the default network."""
        return searched(self.contents, self.epochs)

    @property
    def best(self) -> tuple[Summary, ...]:
        """Those of the ranking that have saved networks: the first is the best of the study, wherever one is named."""
        return with_models(self.ranking)

    @property
    def group(self) -> Group:
        """The best configuration, and those that are not significantly worse."""
        return best_group(self.contents, self.epochs)

    def front(self, cost: str) -> tuple[Summary, ...]:
        """The Pareto front of score and cost, best first; see `ranking.front`. Raise UserError for an unknown cost."""
        if cost not in front.COSTS:
            raise UserError(f"There is no cost {cost!r}", expected=" or ".join(front.COSTS))
        return front.front_of(self.ranking, cost)


def stored_identity(study: Path) -> identity.Stored:
    """The identity of a study. Raise UserError if the folder is not a study, or its epoch limit is missing."""
    folder = StudyFolder(study).required()
    stored = identity.read(folder.identity)
    if not isinstance(stored.fingerprint.get("epochs"), int):
        raise UserError(f"{folder.identity} does not say how many epochs the study has", hint="restore it")
    return stored


def open_study(study: Path) -> KnownStudy:
    """Read a study folder. Raise UserError if it is not one, and DamagedFile if a file was altered."""
    return KnownStudy(StudyFolder(study), stored_identity(study), journal.read(StudyFolder(study).journal))
