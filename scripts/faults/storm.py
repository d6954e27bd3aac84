"""Random kills of drivers and workers; the study is resumed until it is done, and checked after each kill."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.study_folder.layout import StudyFolder
from pipeline.trial import Repeat
from scripts.faults.evidence import Evidence, Identity, facts, gather
from scripts.faults.processes import Run, running

WORKER_KILLS: Final = 2  # most kills of workers for one driver: a job whose workers die three times counts as failed
ANCHORS: Final = ("start", "first worker", "first commit")
PAUSE: Final = 0.02  # seconds between checks of a driver

Command = Callable[[Path], Sequence[str]]
"""The command line that runs a study in the given folder."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Weather:
    """The intensity: a driver lives for a time drawn from `calm` (seconds, log scale), and some workers die before.

    The time counts from its start, from the start of its first worker or from its first commit, also drawn at random,
    so that kills occur at every stage of a run, even on a slow machine.
    """

    calm: tuple[float, float]
    kills: int  # least number of kills of drivers and workers
    seed: int
    drivers: int = 0  # least number of kills of drivers
    patience: float = 600.0  # time limit of an undisturbed run


@dataclass(slots=True)
class Tally:
    """The findings; every list except `kills` is empty if all guarantees hold."""

    driver_kills: int = 0
    worker_kills: int = 0
    studies: int = 0  # that were completed
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)  # facts that differ from the undisturbed run
    ended: list[str] = field(default_factory=list)  # drivers that ended on their own without success
    slowest: float = 0.0  # longest time from a driver's end to that of its last process

    @property
    def kills(self) -> int:
        """Drivers and workers."""
        return self.driver_kills + self.worker_kills

    @property
    def sound(self) -> bool:
        """True if every guarantee held."""
        return not (self.lost or self.doubled or self.orphans or self.damaged or self.differing or self.ended)

    def unfinished(self, weather: Weather) -> bool:
        """True until there were enough kills."""
        return self.kills < weather.kills or self.driver_kills < weather.drivers

    def take(self, evidence: Evidence) -> None:
        """Add findings."""
        self.lost += evidence.lost
        self.doubled += evidence.doubled
        self.damaged += evidence.damaged


def storm(command: Command, folder: Path, weather: Weather, say: Say, **variables: str) -> Tally:
    """Kill until there were enough kills; each study is resumed until it is done, then the next begins.

    The first run is undisturbed, and the others have to give the same facts and weights.
    """
    rng = np.random.default_rng(weather.seed)
    tally = Tally()
    calm = _finish(Study(command, folder / "undisturbed", variables), weather.patience, tally, {})
    expected = facts(calm)
    say(f"undisturbed: {len(expected)} repeats")
    while tally.unfinished(weather) and not tally.ended:
        name = f"study-{tally.studies + 1:03d}"
        known = _blow(Study(command, folder / name, variables), weather, tally, rng, say)
        difference = facts(known) ^ expected
        tally.differing += [f"{name}: {each}" for each in sorted(map(str, difference))]
        say(f"{name}: done, {len(known)} repeats, {len(difference)} facts differ, {tally.kills} kills so far")
    return tally


@dataclass(frozen=True, slots=True)
class Study:
    """A study that can be run in a folder, again and again; `variables` are added to the environment."""

    command: Command
    folder: Path
    variables: Mapping[str, str]

    def running(self) -> AbstractContextManager[Run]:
        """Run it for the length of a block."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return running(self.command(self.folder), self.folder, self.folder / "output.txt", **self.variables)

    def evidence(self, known: Mapping[Identity, Repeat], *, finished: bool) -> Evidence:
        """The current check of its folder."""
        return gather(self.folder / "study", known, finished=finished)


def _blow(
    study: Study, weather: Weather, tally: Tally, rng: np.random.Generator, say: Say
) -> Mapping[Identity, Repeat]:
    """Kill and resume one study until it is done or there were enough kills. Return the final facts of its journal."""
    known: Mapping[Identity, Repeat] = {}
    while tally.unfinished(weather):
        with study.running() as run:
            life = float(np.exp(rng.uniform(*np.log(weather.calm))))
            anchor = str(rng.choice(ANCHORS))
            deaths = sorted(rng.uniform(0, life, int(rng.integers(WORKER_KILLS + 1))))
            if not (_reach(run, anchor, study) and _live(run, life, deaths, tally, rng)):
                break
            run.kill()
            tally.driver_kills += 1
            _mourn(run, tally)
        evidence = study.evidence(known, finished=False)
        tally.take(evidence)
        known = evidence.known
        say(f"kill {tally.kills}: driver {life:.1f} s after its {anchor}, {len(known)} repeats in the journal")
    return _finish(study, weather.patience, tally, known)


def _reach(run: Run, anchor: str, study: Study) -> bool:
    """Wait for the event from which the driver's time counts; False if it ended before."""
    journal = StudyFolder(study.folder / "study").journal
    before = journal.stat().st_size if journal.exists() else 0
    while run.driver.poll() is None:
        if anchor == "start" or (anchor == "first worker" and run.workers()):
            return True
        if anchor == "first commit" and journal.exists() and journal.stat().st_size > before:
            return True
        time.sleep(PAUSE)
    return False


def _live(run: Run, life: float, deaths: list[float], tally: Tally, rng: np.random.Generator) -> bool:
    """Let the driver live that long, while workers die at the given times; False if it ended before."""
    began = time.monotonic()
    while (age := time.monotonic() - began) < life:
        if run.driver.poll() is not None:
            return False
        if deaths and age > deaths[0] and (workers := run.workers()):
            deaths.pop(0)
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(rng.choice(workers)), signal.SIGKILL)
                tally.worker_kills += 1
        time.sleep(PAUSE)
    return run.driver.poll() is None


def _mourn(run: Run, tally: Tally) -> None:
    began = time.monotonic()
    tally.orphans += [f"{pid}: {words}" for pid, words in run.orphans().items()]
    tally.slowest = max(tally.slowest, time.monotonic() - began)


def _finish(study: Study, patience: float, tally: Tally, known: Mapping[Identity, Repeat]) -> Mapping[Identity, Repeat]:
    """Run the study to its end, undisturbed. Return the facts of its journal."""
    with study.running() as run:
        code = run.driver.wait(patience)
        _mourn(run, tally)
    if code != 0:
        tally.ended.append(f"{study.folder.name} ended with exit code {code}; see {study.folder / 'output.txt'}")
    evidence = study.evidence(known, finished=True)
    tally.take(evidence)
    tally.studies += 1
    return evidence.known
