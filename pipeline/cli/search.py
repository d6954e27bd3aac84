"""The `run` command: runs a search, and prints its progress and its summary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markdown import Markdown

from pipeline import settings
from pipeline.cli.console import escaped, line, standard
from pipeline.cli.interrupts import resumable
from pipeline.cli.progress import Progress
from pipeline.report.plain_sentence import plainly
from pipeline.run.description import describe
from pipeline.run.launch import launch
from pipeline.run.prepare import prepare
from pipeline.study_folder.layout import StudyFolder


def search(file: Path | None, options: Mapping[str, Any]) -> int:
    """Run or resume the study of these settings; return 1 if no configuration finished its trainings.

    Raise UserError for what the user can fix, and `typer.Exit` if a signal stopped the run.
    """
    console = standard()
    chosen = settings.read(file, options)
    with resumable(console, chosen.study) as stop:
        prepared = prepare(chosen)
        for each in describe(prepared):
            console.print(escaped(each))
        task = prepared.rows.target.task
        with Progress(console, prepared.plan, task, chosen.seconds) as progress:
            finished = launch(prepared, observe=progress.observe, say=progress.say, stop=stop)
    console.print(Markdown(finished.summary))
    console.print(Markdown(plainly(finished.contents)))  # again: the page is longer than a screen
    line(console, f"Summary: {StudyFolder(chosen.study).summary}")
    line(console, f"Ledger: {finished.workbook}")
    return 0 if finished.contents.verdict.best else 1
