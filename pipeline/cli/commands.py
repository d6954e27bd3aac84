"""The command line: the only place that prints. What is heavy is imported by the commands, so --help is quick."""

from __future__ import annotations

import inspect
import shlex
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any, cast

import typer
from rich.console import Console
from rich.markdown import Markdown

from pipeline.cli.console import PLAIN_WIDTH, Output, escaped
from pipeline.cli.interrupts import Interrupts
from pipeline.errors import UserError
from pipeline.settings import Names, Settings

if typing.TYPE_CHECKING:
    from pipeline.saved_models import TopModels

app = typer.Typer(
    help="Two-stage, parallel hyperparameter search for neural networks on tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _options() -> Iterator[inspect.Parameter]:
    """One command line option for each setting: a setting is declared once, in `pipeline.settings`."""
    file = typer.Option("--settings", help="TOML file with any of these settings; options given here win")
    yield _parameter("settings", Annotated[Path | None, file])
    for name, field in Settings.model_fields.items():
        kind = list[str] if field.annotation == typing.get_args(Names)[0] else field.annotation
        kind = int if kind == int | None else kind
        if kind not in (list[str], str, int, float, bool, Path):
            kind = str  # one of a few words: the settings check which
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        default = f" [{field.default}]" if field.default not in ((), "", None) and not field.is_required() else ""
        option = typer.Option(
            "--" + name.replace("_", "-"), help=f"{field.description}{default}", rich_help_panel=str(extra["heading"])
        )
        yield _parameter(name, Annotated[kind | None, option])


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def run(**options: Any) -> None:
    """Search, or go on where a search stopped: the same command resumes."""
    file = options.pop("settings")
    listed = {name: ",".join(value) for name, value in options.items() if isinstance(value, list | tuple) and value}
    chosen = {name: value for name, value in options.items() if not isinstance(value, list | tuple)}
    _guarded(lambda: _search(file, {**chosen, **listed}))


_signature = inspect.Signature(list(_options()))
run.__signature__ = _signature  # type: ignore[attr-defined]  # typer reads the options from it
run.__annotations__ = {name: parameter.annotation for name, parameter in _signature.parameters.items()}
app.command()(run)


@app.command()
def predict(
    *,
    study: Annotated[Path, typer.Option(help="folder of the study")],
    input: Annotated[Path, typer.Option("--input", help="rows to predict: CSV, Excel or Parquet")],  # noqa: A002
    output: Annotated[Path, typer.Option("--output", help="CSV file to write")],
    count: Annotated[int, typer.Option("--top", help="best configurations that predict together")] = 3,
    ensemble: Annotated[str, typer.Option(help="greedy or mean: an ensemble of the study, in place of --top")] = "",
    model: Annotated[str, typer.Option(help="module:function that makes the networks, if it is yours")] = "",
) -> None:
    """Predict new rows with the best models of a study, in the units of the original data."""
    _guarded(lambda: _predict(input, output, lambda: _loaded(study, count, ensemble, model)))


ledger = typer.Typer(help="Check, redraw and join ledgers.", no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(ledger, name="ledger")
_Folder = Annotated[Path, typer.Argument(help="folder of the study")]


@ledger.command()
def verify(folder: _Folder) -> None:
    """Check everything that must hold of a study folder; nothing is written."""
    _guarded(lambda: _verify(folder))


@ledger.command()
def rebuild(folder: _Folder) -> None:
    """Draw the workbook from the journal; columns, notes and sheets of your own are kept."""
    _guarded(lambda: _rebuild(folder))


@ledger.command(name="import")
def import_(folder: _Folder, other: Annotated[Path, typer.Argument(help="ledger.xlsx or ledger.jsonl")]) -> None:
    """Take in a colleague's results of the same study; they are not trained again and have no models here."""
    _guarded(lambda: _import(folder, other))


def main() -> None:
    """The entry point of the installed program."""
    app()


def _guarded(action: Callable[[], int]) -> None:
    """Exit with what the action returns; 2 and a clear text for what a user can mend."""
    try:
        code = action()
    except UserError as error:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]Error:[/] {escaped(str(error))}", highlight=False)
        code = 2
    raise typer.Exit(code)


def _search(file: Path | None, options: dict[str, Any]) -> int:
    from pipeline import settings
    from pipeline.cli.progress import Progress
    from pipeline.report.effects import plainly
    from pipeline.run.launch import launch
    from pipeline.run.prepare import prepare
    from pipeline.storage.disk_space import DiskFailed
    from pipeline.workers.pool import StoppedError

    console = Console(file=cast("IO[str]", Output(sys.stdout)), width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    chosen = settings.read(file, options)
    with Interrupts() as interrupts:
        try:
            prepared = prepare(chosen)
            for line in prepared.description:
                console.print(escaped(line), highlight=False)
            objective = prepared.rows.target.task.objective
            with Progress(console, prepared.plan, objective, chosen.seconds) as progress:
                finished = launch(prepared, observe=progress.observe, say=progress.say, stop=interrupts.asked)
        except (StoppedError, KeyboardInterrupt, DiskFailed) as reason:
            command = shlex.join([Path(sys.executable).name, *sys.argv])
            for line in (f"Stopped. Everything finished is in {chosen.study}. To go on, run again:", f"  {command}"):
                console.print(escaped(line), highlight=False, soft_wrap=True)
            if isinstance(reason, DiskFailed):
                raise
            return interrupts.exit_code
    console.print(Markdown(finished.summary))
    console.print(Markdown(plainly(finished.contents)))  # once more: the page is longer than a screen
    console.print(f"Ledger: {escaped(str(finished.workbook))}", highlight=False)
    return 0 if finished.contents.verdict.best else 1


def _loaded(study: Path, count: int, ensemble: str, model: str) -> TopModels:
    from pipeline import load_ensemble, load_top_models

    return load_ensemble(study, ensemble, model) if ensemble else load_top_models(study, count, model)


def _predict(source: Path, target: Path, load: Callable[[], TopModels]) -> int:
    from pipeline.data import tables
    from pipeline.storage.atomic import replace

    console = Console(soft_wrap=True)
    frame = tables.read_frame(str(source))
    top = load()
    for column, values in top.unknown_categories(frame).items():
        console.print(
            f"{escaped(column)}: never seen in training, treated as none of the known categories: "
            f"{escaped(', '.join(values))}",
            highlight=False,
        )
    predicted = top.predict(frame)
    try:
        replace(target, predicted.to_csv(index=False).encode())
    except OSError as error:
        raise UserError(
            f"{target} cannot be written: {error.strerror}", hint="check its folder and permissions"
        ) from error
    console.print(
        f"{len(predicted)} rows predicted by {len(top.members)} networks: {escaped(str(target))}", highlight=False
    )
    return 0


def _verify(folder: Path) -> int:
    from pipeline.maintenance.audit import audit, leftovers

    console = Console(soft_wrap=True)
    found = audit(folder)
    for finding in found:
        console.print(escaped(str(finding)), highlight=False)
    if found:
        return 1
    left = leftovers(folder)
    remark = f" ({len(left)} saved models without a line, which the next run trains again)" if left else ""
    console.print(f"{escaped(str(folder))} is sound.{remark}", highlight=False)
    return 0


def _rebuild(folder: Path) -> int:
    from pipeline.maintenance.rebuild import rebuild

    Console(soft_wrap=True).print(f"Ledger: {escaped(str(rebuild(folder)))}", highlight=False)
    return 0


def _import(folder: Path, other: Path) -> int:
    from pipeline.maintenance.import_results import import_ledger

    found = import_ledger(folder, other)
    Console(soft_wrap=True).print(
        f"{found.imported} configurations imported, {found.known} already known, {found.skipped} skipped"
        f" (a failed repeat, or another limit of epochs). Ledger: {escaped(str(found.workbook))}",
        highlight=False,
    )
    return 0
