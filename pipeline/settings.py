"""Settings: read from a TOML file and the command line, checked once, stored with the study."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PydanticUserError,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from pipeline import models, tasks
from pipeline.errors import UserError
from pipeline.plugins import is_reference
from pipeline.space import nearest, read_toml
from pipeline.training.engines import ENGINES, default
from pipeline.tuning.budget import Budget
from pipeline.tuning.strategies.options import Option, options_of
from pipeline.tuning.strategies.registry import DEFAULT, OPTIONS, STRATEGIES, load_strategy
from pipeline.tuning.strategies.strategy import Strategy


def _names(value: object) -> object:
    """One name, a comma-separated text of names, or a list of names (for names with commas in them)."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list | tuple):
        return tuple(value)
    return value


def _pairs(value: object) -> object:
    """A comma-separated text of name=value, or a table: values are those of a settings file, or else texts."""
    if not isinstance(value, str):
        return value
    pairs = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, sign, text = part.partition("=")
        if not sign:
            raise ValueError(f"expected name=value, several of them with commas between, instead of {part!r}")
        pairs[name.strip()] = _value(text.strip())
    return pairs


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Pairs = Annotated[dict[str, bool | int | float | str], BeforeValidator(_pairs)]
Model = TypeVar("Model", bound=BaseModel)
Share = Annotated[float, Field(gt=0)]

COUNTED = {"repeats": 1, "max_repeats": 8, "elite": 2}  # defaults where trainings are counted: benchmark_search.py
COMMON = "Most used"  # the heading of --help for the ten settings that people use first; the others follow
DATA, SEARCH, TRAINING, RUNNING = (f"Advanced: {each}" for each in ("data", "search", "training", "running"))
HEADINGS = (COMMON, DATA, SEARCH, TRAINING, RUNNING)


def _setting(default: Any = ..., *, about: str, heading: str, hidden: bool = False, **bounds: Any) -> Any:
    return Field(default, description=about, json_schema_extra={"heading": heading, "hidden": hidden}, **bounds)


def _listed(about: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({words})" for name, words in about.items())


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _known(what: str, name: str, names: Collection[str]) -> str:
    if name not in names and not is_reference(name):
        near = nearest(name, names)
        raise ValueError(f"expected {', '.join(names)}, or a {what} of yours as module:object{near and f'; {near}'}")
    return name


class Settings(BaseModel):
    """Everything a user can set; every field has a default but the data, the target, the space and the study folder."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    data: str = _setting(
        about="table (CSV, Excel, Parquet), images (idx, .npz, keras:mnist) or builtin:diabetes", heading=COMMON
    )
    target: Names = _setting(about="column to predict, or several", heading=COMMON, min_length=1)
    space: Path = _setting(about="search space: a TOML file with the hyperparameters and their ranges", heading=COMMON)
    study: Path = _setting(about="folder for the results, such as results/housing", heading=COMMON)

    task: str = _setting(
        "auto",
        about=f"{', '.join(tasks.TASKS)}, auto"
        f" ({'; '.join(f'{each.takes}: {each.name}' for each in tasks.TASKS.values())}), or module:object of yours",
        heading=DATA,
    )
    inputs: Names = _setting(
        (), about="input columns; if not given, all but the target, the weight and those to leave out", heading=DATA
    )
    ignore: Names = _setting((), about="columns to leave out", heading=DATA)
    categories: Names = _setting((), about="numeric columns to treat as categories; texts always are", heading=DATA)
    weight: str = _setting("", about="column with a weight for each row", heading=DATA)
    group: Names = _setting((), about="keep rows that agree in these columns in one part of the split", heading=DATA)
    time: str = _setting("", about="time column: the table is a series, and the inputs are windows of it", heading=DATA)
    window: int = _setting(24, about="steps in a window of a series", heading=DATA, ge=1, le=10_000)
    horizon: int = _setting(1, about="steps ahead that a series is forecast", heading=DATA, ge=1, le=10_000)
    validation: Share = _setting(0.2, about="validation rows: a fraction below 1, or a count", heading=DATA)
    test: Share = _setting(0.2, about="test rows, used once at the end: a fraction below 1, or a count", heading=DATA)
    folds: int = _setting(
        0,
        about="folds of a cross-validation instead of --validation: repeat i holds out fold i; 0 turns it off",
        heading=DATA,
        ge=0,
        le=100,
    )
    input_scaler: tasks.InputScaler = _setting(
        "standard",
        about="scaling of inputs: standard, minmax, robust, quantile (for skewed columns) or none",
        heading=DATA,
    )
    output_scaler: tasks.Scaler = _setting(
        "standard", about="scaling of targets: standard, minmax, robust or none", heading=DATA
    )

    strategy: str = _setting(
        DEFAULT,
        about="; ".join(f"{name}: {each.help}" for name, each in STRATEGIES.items())
        + "; or a strategy of yours as module:object",
        heading=SEARCH,
    )
    strategy_options: Pairs | None = _setting(
        None, about="options of a strategy of yours, as name=value,name=value", heading=SEARCH
    )
    configurations: int = _setting(40, about="configurations to draw in stage 1", heading=COMMON, ge=1, le=100_000)
    repeats: int = _setting(
        2,
        about="trainings of each configuration, with different seeds",
        heading=COMMON,
        ge=1,
        le=100,
    )
    max_repeats: int = _setting(
        4,
        about="maximum trainings of a configuration that may be the best",
        heading=SEARCH,
        ge=1,
        le=100,
    )
    elite: int = _setting(
        3,
        about="configurations that stage 2 starts from, and proposals in a round",
        heading=SEARCH,
        ge=1,
        le=20,
    )
    calls: int = _setting(8, about="rounds of proposals in stage 2; 0 turns it off", heading=SEARCH, ge=0, le=10_000)
    trainings: int = _setting(
        0,
        about="total budget in trainings, instead of --configurations and --calls; 0 turns it off",
        heading=COMMON,
        ge=0,
        le=10_000_000,
    )
    seconds: float = _setting(
        0.0, about="start nothing new after this many seconds; 0 for no limit", heading=RUNNING, ge=0, le=1e8
    )
    target_score: float | None = _setting(
        None, about="stop as soon as the validation score is this low, confirmed by repeated trainings", heading=SEARCH
    )
    settled: int = _setting(
        0,
        about="stop after this many rounds without an expected gain above the noise; 0 turns it off",
        heading=SEARCH,
        ge=0,
        le=10_000,
    )
    prior: Path | None = _setting(
        None, about="folder of an earlier study: try its best configurations first", heading=SEARCH
    )
    top: int = _setting(
        3, about="number of best configurations to test, export and combine", heading=RUNNING, ge=1, le=50
    )

    model: str = _setting(
        next(iter(models.MODELS)),
        about=f"{_listed(models.MODELS)}, or a function of yours as module:function",
        heading=TRAINING,
    )
    engine: str = _setting(
        next(iter(ENGINES)),
        about=f"{_listed({name: each.about for name, each in ENGINES.items()})}, or module:object of yours",
        heading=TRAINING,
    )
    loss: str = _setting(
        "auto",
        about=f"{'; '.join(f'{_either(each.losses)} for {each.name}' for each in tasks.TASKS.values())};"
        " auto is the one that fits",
        heading=TRAINING,
    )
    metrics: Names = _setting(
        (), about="metrics of yours, as module:object, that stand beside those of the task", heading=TRAINING
    )
    figures: Names = _setting((), about="figures of yours, as module:object", heading=TRAINING)
    class_weights: str = _setting(
        "none", about="none, or balanced: rare classes count as much as others in training", heading=TRAINING
    )
    tf32: bool = _setting(False, about="faster, less exact matrix products on GPUs", heading=RUNNING)
    epochs: int = _setting(200, about="maximum epochs of a training", heading=COMMON, ge=1, le=1_000_000)
    patience: int = _setting(
        20, about="stop a training after this many epochs without a better validation score", heading=TRAINING, ge=1
    )
    min_delta: float = _setting(
        0.0, about="smallest improvement of the validation score that counts for --patience", heading=TRAINING, ge=0
    )
    seed: int = _setting(0, about="seed of the split, the search and the trainings", heading=COMMON, ge=0, lt=2**32)
    slots: str = _setting("auto", about="workers: auto, gpu:0,1 or cpu:4x2 (four of two cores)", heading=COMMON)
    cluster: str = _setting(
        "local",
        about="where jobs run: local (processes of this machine), or a backend of yours as module:object",
        heading=RUNNING,
        hidden=True,
    )
    job_limit: float = _setting(
        0.0,
        about="seconds until a job counts as hung; 0 for about a hundred times the expected time",
        heading=RUNNING,
        ge=0,
        le=10_000_000,
    )

    @model_validator(mode="before")
    @classmethod
    def _engine_of_the_model(cls, values: Any) -> Any:
        """Where no engine is named, the one that can train the model."""
        if isinstance(values, Mapping) and isinstance(model := values.get("model"), str):
            return {"engine": default(model), **values}
        return values

    @model_validator(mode="before")
    @classmethod
    def _sparing_where_trainings_are_counted(cls, values: Any) -> Any:
        """With a budget of trainings, as many of them as possible try something new.

        Contenders are still trained several times, up to `max_repeats`.
        """
        if isinstance(values, Mapping) and values.get("trainings"):
            return {**COUNTED, **values}
        return values

    @field_validator("strategy")
    @classmethod
    def _known_strategy(cls, strategy: str) -> str:
        if strategy not in STRATEGIES and not is_reference(strategy):
            near = nearest(strategy, STRATEGIES)
            raise ValueError(f"expected {', '.join(STRATEGIES)} or module:object{near and f'; {near}'}")
        return strategy

    @field_validator("model")
    @classmethod
    def _known_model(cls, model: str) -> str:
        if model not in models.MODELS and not models.is_own(model):
            near = nearest(model, models.MODELS)
            raise ValueError(f"expected {', '.join(models.MODELS)} or module:function{near and f'; {near}'}")
        return model

    @field_validator("task")
    @classmethod
    def _known_task(cls, task: str) -> str:
        return _known("task", task, ("auto", *tasks.TASKS))

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, engine: str) -> str:
        return _known("engine", engine, ENGINES)

    @field_validator("metrics", "figures")
    @classmethod
    def _references(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        strange = [name for name in names if not is_reference(name)]
        if strange:
            raise ValueError(f"{strange[0]!r} is not of the form module:object")
        return names

    @model_validator(mode="after")
    def _options_have_a_strategy(self) -> Settings:
        if self.strategy_options and not is_reference(self.strategy):
            raise ValueError(
                f"strategy_options are for a strategy of yours (module:object); those of {self.strategy} are settings"
                " of their own"
            )
        return self

    @model_validator(mode="after")
    def _engine_can_train_the_model(self) -> Settings:
        engine = ENGINES.get(self.engine)  # one of the user's is asked when a run begins: reading imports nothing
        if engine is not None and not engine.trains(self.model):
            raise ValueError(
                f"the engine {self.engine} trains --model {_either(engine.models)} alone; leave --engine out, or use"
                f" --engine {default(self.model)} for --model {self.model}"
            )
        return self

    @field_validator("loss", "class_weights")
    @classmethod
    def _known_word(cls, word: str, given: ValidationInfo) -> str:
        """One of a task of this program; a task of the user's says itself what it knows."""
        losses = ("auto", *(loss for task in tasks.TASKS.values() for loss in task.losses))
        weightings = dict.fromkeys(each for task in tasks.TASKS.values() for each in task.weightings)
        known = losses if given.field_name == "loss" else tuple(weightings)
        if not is_reference(given.data.get("task")) and word not in known:
            near = nearest(word, known)
            raise ValueError(f"expected {', '.join(known)}{near and f'; {near}'}")
        return word

    @model_validator(mode="after")
    def _folds_are_several(self) -> Settings:
        if self.folds == 1:
            raise ValueError("one fold leaves no rows to train on; give --folds 2 or more, or 0 for one split")
        if self.folds and self.time:
            raise ValueError("a series is cut in order of time and has no folds; leave --folds out")
        return self

    @model_validator(mode="after")
    def _parts_leave_training_rows(self) -> Settings:
        shares = [share for share in (self.validation, self.test) if share < 1]
        if sum(shares) >= 1:
            raise ValueError(
                "validation and test together leave no rows to train on; their shares must sum to less than 1"
            )
        return self

    @property
    def budget(self) -> Budget:
        """How much the search may do."""
        return Budget(**{each.name: getattr(self, each.name) for each in fields(Budget)})


def _fields(options: Iterable[Option]) -> dict[str, Any]:
    return {
        each.name: (each.kind, _setting(each.default, about=each.help, heading=SEARCH, hidden=False, **each.bounds))
        for each in options
    }


Fixed: Final = Settings  # without the options of the strategies
Settings = create_model(  # type: ignore[misc]  # to mypy it is the class above: nobody reads an option by its name
    "Settings", __base__=Fixed, __module__=__name__, __doc__=Fixed.__doc__, **_fields(OPTIONS.values())
)


def strategy_of(settings: Settings) -> Strategy:
    """The strategy that the settings name, with its options; the module of a user's own is imported.

    Raises:
        UserError: Where a `module:object` is not a strategy, or `strategy_options` are not options of it.
    """
    chosen = load_strategy(settings.strategy)
    if not is_reference(settings.strategy):
        return replace(chosen, **{each.name: getattr(settings, each.name) for each in options_of(chosen)})
    given = settings.strategy_options or {}
    try:
        options = options_of(chosen)
        schema: type[BaseModel] = create_model("Options", __config__=Fixed.model_config, **_fields(options))
    except (NameError, TypeError, PydanticUserError) as error:
        raise UserError(
            f"The options of {settings.strategy} cannot be read",
            expected="fields of type bool, int, float or str, or a Literal of texts",
            got=str(error)[:300],
        ) from error
    parsed = _validated(schema, given, "strategy option")
    try:
        return replace(chosen, **{each.name: getattr(parsed, each.name) for each in options})
    except UserError:
        raise
    except ValueError as error:  # of a strategy that checks its options itself
        raise UserError(f"The options of {settings.strategy} are wrong", got=str(error)[:500]) from error


@dataclass(frozen=True, slots=True)
class Described:
    """What --help says of a setting."""

    name: str
    kind: Any  # its annotation
    about: str
    default: str  # in words; empty for what is off or has to be given
    heading: str  # one of HEADINGS
    hidden: bool


def described() -> tuple[Described, ...]:
    """Every setting, those of a heading together, in the order of HEADINGS."""
    found = [_described(name) for name in Settings.model_fields]
    return tuple(sorted(found, key=lambda each: HEADINGS.index(each.heading)))


def _described(name: str) -> Described:
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    off = field.is_required() or field.default is None or field.default is False or field.default in ("", ())
    default = "" if off else f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
    if name in COUNTED:
        default += f", or {COUNTED[name]} with --trainings"
    about, hidden = field.description or "", bool(extra["hidden"])
    return Described(name, field.annotation, about, default, str(extra["heading"]), hidden)


def read(path: Path | None, options: Mapping[str, Any]) -> Settings:
    """The settings of a file, if any, overruled by the options that are not None; UserError for a mistake."""
    values = read_toml(path, "settings") if path is not None else {}
    given = {name: value for name, value in options.items() if value is not None}
    return _checked({**values, **given})


def _checked(values: Mapping[str, Any]) -> Settings:
    return _validated(Settings, values, "setting")


def _validated(schema: type[Model], values: Mapping[str, Any], what: str) -> Model:
    known = schema.model_fields
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UserError(
            f"There is no {what} {unknown[0]!r}",
            expected=", ".join(known) or "none",
            hint=nearest(unknown[0], known) or "remove it from the settings file",
        )
    for name, value in values.items():
        field = known[name]
        # Pydantic takes true for 1, and an empty path for the working directory.
        flag = isinstance(value, bool) and bool not in (field.annotation, *get_args(field.annotation))
        if flag or (value == "" and field.is_required()):
            raise UserError(f"The {what} {name} is wrong", expected=field.description or "", got=repr(value))
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raised = first.get("ctx", {}).get("error")
        if isinstance(raised, UserError):  # pydantic catches every ValueError of a validator
            raise raised from None
        name = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "missing":
            raise UserError(
                f"The {what} {name} is missing",
                expected=known[name].description or "",
                hint=f"give --{name}, or put it into the settings file",
            ) from None
        text = str(first["msg"]).removeprefix("Value error, ")
        got = repr(first["input"]) if name else ""
        raise UserError(f"The {what} {name} is wrong: {text}" if name else text, got=got) from None
