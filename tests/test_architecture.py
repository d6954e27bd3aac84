"""The shape of the product, read from its imports: layers, homes of libraries, what never loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pipeline"

# From the ground up: a room imports from its own layer's module and from lower ones.
LAYERS = (
    "errors",
    "files",
    "reading",
    "room",
    "trial",
    "space",
    "tasks",
    "data",
    "models",
    "search",
    "training",
    "workers",
    "ledger",
    "bundle",
    "study",
    "evaluate",
    "analysis",
    "report",
    "folder",
    "audit",
    "settings",
    "sizing",
    "upkeep",
    "preparing",
    "judging",
    "borrowing",
    "launch",
    "interrupts",
    "progress",
    "cli",
)

HOMES = {
    "tensorflow": {"training"},
    "keras": {"training", "models"},
    "skopt": {"search"},
    "openpyxl": {"ledger", "data"},
    "skops": {"data"},
    "sklearn": {"data", "tasks", "analysis"},
    "pandas": {"data", "bundle"},
    "matplotlib": {"report"},
    "seaborn": {"report"},
    "joblib": {"workers"},
    "pydantic": {"settings"},
    "typer": {"cli"},
    "rich": {"cli", "progress"},
    "filelock": {"folder"},
}

FORBIDDEN = {"pickle", "dill", "cloudpickle", "marshal", "shelve"}

PUBLIC = ("best_group", "load_ensemble", "load_top_models", "pareto_front")
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "pipeline":
                found += [f"pipeline.{alias.name}" for alias in node.names]
            else:
                found.append(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    if room(path) == "__init__":
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "pipeline" and len(parts) > 1 and parts[1] not in PUBLIC:
            assert LAYERS.index(parts[1]) <= LAYERS.index(room(path)), f"{path} imports {name}, which lies above it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_used_in_its_home_alone(path):
    for name in imports(path):
        top = name.split(".")[0]
        assert top not in FORBIDDEN, f"{path} imports {top}, which can execute what it loads"
        assert room(path) in HOMES.get(top, {room(path)}), f"{path} imports {top}, whose home is {HOMES[top]}"


def test_only_the_command_line_prints():
    for path in MODULES:
        if room(path) not in {"cli", "progress"}:
            calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls), path


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(' '.join(sys.modules), file=sys.__stdout__)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.split(".")[0] for name in answer.stdout.splitlines()[-1].split()}


HEAVY = {"tensorflow", "keras", "skopt", "matplotlib", "sklearn", "pandas"}


def test_help_loads_nothing_heavy():
    code = "from typer.testing import CliRunner; from pipeline.cli import app; "
    code += "assert CliRunner().invoke(app, ['run', '--help']).exit_code == 0"
    assert not loaded_by(code) & HEAVY


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import pipeline") & HEAVY


def test_the_rooms_of_the_driver_import_without_tensorflow():
    code = "import pipeline.launch, pipeline.cli, pipeline.progress, pipeline.report.page"
    assert not loaded_by(code) & {"tensorflow", "keras"}
