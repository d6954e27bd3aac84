"""The commands and their options. Each command is a module of this room, imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from pipeline.cli.console import complain
from pipeline.cli.options import given, path_of, takes_settings
from pipeline.errors import UserError
from pipeline.plugins import blame
from pipeline.storage.disk_space import unusable
from pipeline.storage.streams import take_every_character
from pipeline.tuning.strategies.registry import STRATEGIES

app = typer.Typer(
    help="Two-stage, parallel hyperparameter search for neural networks on tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


_Task = Annotated[str, typer.Option(help="module:object of the task, for a task of your own", metavar="<text>")]


@app.command()
@takes_settings
def run(**options: Any) -> None:
    """Search for a good network. The same command resumes a search that was stopped.

    --data, --target, --space and --study are required, here or in the settings file.
    """
    from pipeline.cli.search import search

    file = options.pop("settings")
    _exit(lambda: search(file, given(options)))


@app.command()
def predict(
    *,
    study: Annotated[Path, typer.Option(help="folder of the study", metavar="<path>", parser=path_of)],
    input: Annotated[  # noqa: A002
        Path,
        typer.Option("--input", help="rows to predict: CSV, Excel or Parquet", metavar="<path>", parser=path_of),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            help="file to write, as its ending says: .csv, .tsv, .txt, .xlsx or .parquet",
            metavar="<path>",
            parser=path_of,
        ),
    ],
    count: Annotated[
        int,
        typer.Option(
            "--top",
            help="number of best configurations that predict together (default: 3)",
            metavar="<number>",
            show_default=False,
        ),
    ] = 3,
    ensemble: Annotated[
        str, typer.Option(help="predict with an ensemble of the study instead: greedy or mean", metavar="<text>")
    ] = "",
    model: Annotated[
        str, typer.Option(help="module:function that makes the networks, for a model of your own", metavar="<text>")
    ] = "",
    task: _Task = "",
) -> None:
    """Predict new rows with the best models of a study, in the units of the original data."""
    from pipeline.cli.predict import predict

    _exit(lambda: predict(input, output, study, count=count, ensemble=ensemble, model=model, task=task))


class SeveralWords(TyperCommand):
    """A command whose option `--methods` takes all words up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each of its words."""
        return super().parse_args(ctx, list(one_by_one(args, "--methods")))


@app.command(cls=SeveralWords)
def compare(
    *,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="TOML file of settings, as for run (default: the example in search_spaces/, on California housing)",
            metavar="<path>",
            parser=path_of,
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="table, instead of the one in the settings", metavar="<text>")
    ] = None,
    target: Annotated[str | None, typer.Option(help="column to predict, likewise", metavar="<names>")] = None,
    space: Annotated[
        Path | None, typer.Option(help="search space file, likewise", metavar="<path>", parser=path_of)
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="maximum epochs of a full training, likewise", metavar="<number>")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            "--study",
            help="folder for the results and the study of each method and seed",
            metavar="<path>",
            parser=path_of,
        ),
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            help=f"methods to compare: baseline (the default network), {', '.join(STRATEGIES)} (default: all these), or"
            " a strategy of yours as module:object",
            metavar="<names>",
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            help="number of repetitions, each with a split and a search of its own (default: 5)",
            metavar="<number>",
            show_default=False,
        ),
    ] = 5,
    trainings: Annotated[
        int | None,
        typer.Option(
            help="budget of each search, in full trainings (default: from the settings, or 40)", metavar="<number>"
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="wall time of each search, with startup and compilation; results are then not shared. --trainings"
            " is still an upper limit and the size of designs, so give more than fit into the time",
            metavar="<number>",
        ),
    ] = None,
    score: Annotated[
        float | None,
        typer.Option(help="validation score to reach (default: the final one of random search)", metavar="<number>"),
    ] = None,
    slots: Annotated[
        str | None, typer.Option(help="workers: auto, gpu:0,1 or cpu:4x2 (four of two cores)", metavar="<text>")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="JSON file for all numbers", metavar="<path>", parser=path_of)
    ] = None,
) -> None:
    """Compare search strategies on a table, with equal budgets and several seeds. The same command resumes."""
    from pipeline.cli.compare import compare

    options = {
        "data": data,
        "target": target,
        "space": space,
        "epochs": epochs,
        "study": folder,
        "trainings": trainings,
        "seconds": seconds,
        "slots": slots,
    }
    names = [name for word in methods or () for name in word.replace(",", " ").split()]
    _exit(lambda: compare(settings, options, methods=names, seeds=seeds, score=score, numbers=json))


ledger = typer.Typer(
    help="Check a study folder, redraw its workbook, or import results into it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(ledger, name="ledger")
_Folder = Annotated[Path, typer.Argument(help="folder of the study", parser=path_of)]


@ledger.command()
def verify(folder: _Folder, task: _Task = "") -> None:
    """Check a study folder (journal, models, workbook) without changing it."""
    from pipeline.cli.ledger import verify

    _exit(lambda: verify(folder, task))


@ledger.command()
def rebuild(folder: _Folder, task: _Task = "") -> None:
    """Draw the workbook from the journal; your own columns, notes and sheets are kept."""
    from pipeline.cli.ledger import rebuild

    _exit(lambda: rebuild(folder, task))


@ledger.command(name="import")
def import_(
    folder: _Folder,
    other: Annotated[Path, typer.Argument(help="ledger.xlsx or ledger.jsonl", parser=path_of)],
    task: _Task = "",
) -> None:
    """Import a colleague's results of the same study; they are not trained again and have no models here."""
    from pipeline.cli.ledger import import_

    _exit(lambda: import_(folder, other, task))


def main() -> None:
    """The entry point of the installed program."""
    take_every_character()
    app()


def script(name: str) -> None:
    """Run one command as a script of its own: `scripts/predict.py --help`."""
    take_every_character()
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    group.commands[name]()


def one_by_one(words: list[str], option: str) -> Iterator[str]:
    """The words with the option before each of its values: `--x a b` becomes `--x a --x b`."""
    before = ""  # the word before, if it is the option or one of its values
    for word in words:
        if word.startswith("-"):
            before = word if word == option else ""
        elif before == option:
            before = word
        elif before:
            yield option
        yield word


def _exit(action: Callable[[], int]) -> None:
    """Exit with what the action returns, or print a UserError and exit with 2.

    Whatever the operating system refuses, too little memory, and errors of the user's own code are such errors as well.
    Any other is a defect of this program and shows its traceback.
    """
    try:
        code = action()
    except UserError as error:
        complain(error)
        code = 2
    except BrokenPipeError:
        raise
    except (OSError, MemoryError) as error:
        complain(_refusal(error))
        code = 2
    except Exception as error:
        found = blame(error)
        if found is None:
            raise
        complain(found)
        code = 2
    raise typer.Exit(code)


def _refusal(error: OSError | MemoryError) -> UserError:
    if isinstance(error, OSError):
        return unusable(Path(str(error.filename or "A file")), error)
    return UserError("The memory of this machine is used up", got=str(error), hint="use fewer rows, or fewer --slots")
