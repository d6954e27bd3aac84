"""The shape of the product, read from its imports: who may use whom, homes of libraries, what never loads."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pipeline

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pipeline"

# Room -> the rooms that it may use, and why it needs them where that is not plain from their names.
MAY_USE: Mapping[str, str] = {
    # the words
    "errors": "",
    "trial": "",
    "plugins": "errors",  # what a user names as `module:object`
    "running_time": "",  # of this process
    # what stands by itself
    "storage": "errors",
    "space": "errors trial",
    "ranking": "trial",
    "tasks": "errors",
    "workers": "errors plugins running_time storage",
    # a study's data, networks and folder
    "study_folder": "errors storage tasks",
    "data": "errors storage tasks",
    "models": "errors plugins space trial",
    # what is done with them
    "ledger": "errors ranking storage study_folder trial",
    "training": "data errors models plugins running_time space tasks trial workers",  # whose parcels hold the rows
    "tuning": "errors models plugins ranking running_time space trial",
    "analysis": "data ranking space tasks trial",
    "saved_models": "data errors ledger models plugins storage study_folder tasks training trial",
    # what people see, and what they ask for
    "workbook": "errors ledger models ranking storage study_folder tasks trial",
    "report": "analysis errors models plugins ranking space storage study_folder tasks trial tuning",
    # which tasks, models, engines and strategies there are, their words for --help
    "settings": "errors models plugins space tasks training tuning",
    # the applications
    "baselines": "analysis data models space tasks trial",
    "run": "analysis baselines data errors ledger models plugins ranking report running_time saved_models"
    " settings space storage study_folder tasks training trial tuning workbook workers",
    "maintenance": "errors ledger models ranking saved_models storage study_folder tasks trial workbook",
    "compare": "analysis errors ledger models plugins ranking report run running_time saved_models settings space"
    " storage study_folder tasks trial tuning",  # its methods are the strategies
    "cli": "compare data errors maintenance plugins report run running_time settings storage study_folder tasks trial"
    " tuning workbook workers",  # predictions as a workbook
}
FLOORS = 9  # a room stands one floor above the highest that it uses; the scripts stand on top

HOMES = {
    "tensorflow": {"training"},
    "keras": {"training", "models"},
    "skopt": {"tuning"},
    "openpyxl": {"workbook", "data"},
    "skops": {"data"},
    "sklearn": {"data", "tasks", "analysis"},
    "pandas": {"data", "saved_models"},
    "matplotlib": {"report", "compare"},
    "seaborn": {"report", "compare"},
    "joblib": {"workers"},
    "pydantic": {"settings"},
    "typer": {"cli"},
    "rich": {"cli"},
    "filelock": {"study_folder"},
}

FORBIDDEN = {"pickle", "dill", "cloudpickle", "marshal", "shelve"}

MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path): path for path in (*MODULES, *SCRIPTS)}


def imports(path: Path) -> Iterator[str]:
    """What a file imports, anywhere in it: the module, or the name in it where that is a module of ours."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path} has a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in NAMES else node.module


def room(name: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == "pipeline" and len(parts) > 1 else parts[0]


def used_rooms() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, path in NAMES.items():
        ours = (each for each in imports(path) if each.split(".")[0] in ("pipeline", "scripts"))
        found.setdefault(room(name), set()).update(room(each) for each in ours)
    return {name: rooms - {name, "pipeline"} for name, rooms in found.items()}


def test_rooms_use_the_rooms_that_they_may():
    used = used_rooms()
    assert used.keys() - {"pipeline", "scripts"} == MAY_USE.keys()
    strangers = {name: sorted(used[name] - set(may.split())) for name, may in MAY_USE.items()}
    assert not {name: rooms for name, rooms in strangers.items() if rooms}
    unused = {name: sorted(set(may.split()) - used[name]) for name, may in MAY_USE.items()}
    assert not {name: rooms for name, rooms in unused.items() if rooms}, "permitted, and not needed any more"


def test_the_house_has_no_more_floors_than_it_needs():
    used = used_rooms()

    def floor(name: str, below: tuple[str, ...] = ()) -> int:
        assert name not in below, f"a circle of rooms: {' -> '.join((*below, name))}"
        return 1 + max((floor(each, (*below, name)) for each in used[name]), default=0)

    floors = {name: floor(name) for name in used}
    assert max(floors.values()) <= FLOORS, floors


def test_no_modules_import_each_other_in_a_circle():
    edges = {name: {each for each in imports(path) if each in NAMES and each != name} for name, path in NAMES.items()}
    done: set[str] = set()
    circles = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circles.append(" -> ".join((*above[above.index(name) :], name)))
        elif name not in done:
            for each in sorted(edges[name]):
                visit(each, (*above, name))
            done.add(name)

    for name in sorted(edges):
        visit(name, ())
    assert not circles


def test_a_library_is_used_in_its_home_alone():
    offenders = []
    for path in MODULES:
        for name in imports(path):
            top = name.split(".")[0]
            if top in FORBIDDEN:
                offenders.append(f"{path} imports {top}, which can execute what it loads")
            if room(dotted(path)) not in HOMES.get(top, {room(dotted(path))}):
                offenders.append(f"{path} imports {top}, whose home is {' and '.join(sorted(HOMES[top]))}")
    assert not offenders


def test_only_the_command_line_prints():
    offenders = [
        f"{path}:{node.lineno}"
        for path in MODULES
        if room(dotted(path)) != "cli"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not offenders


def test_a_public_name_is_the_function_whatever_was_imported_before():
    """A room and a public function of one name would take each other's place."""
    for name in NAMES:
        if name.startswith("pipeline."):
            importlib.import_module(name)
    for name in pipeline.__all__:
        assert callable(getattr(pipeline, name)), name
        assert not (PACKAGE / name).exists(), name
        assert not (PACKAGE / f"{name}.py").exists(), name


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(' '.join(sys.modules), file=sys.__stdout__)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.split(".")[0] for name in answer.stdout.splitlines()[-1].split()}


HEAVY = {"tensorflow", "keras", "skopt", "matplotlib", "sklearn", "pandas"}


def test_help_loads_nothing_heavy():
    code = "from typer.testing import CliRunner; from pipeline.cli.commands import app; "
    code += "assert CliRunner().invoke(app, ['run', '--help']).exit_code == 0"
    assert not loaded_by(code) & HEAVY


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import pipeline") & HEAVY


def test_the_rooms_of_the_driver_import_without_tensorflow():
    code = "import pipeline.run.launch, pipeline.cli.commands, pipeline.cli.progress, pipeline.report.page"
    assert not loaded_by(code) & {"tensorflow", "keras"}
