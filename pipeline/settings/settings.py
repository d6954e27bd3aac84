"""Every setting, declared once: the command line, settings files and study.json follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from pipeline import models, tasks
from pipeline.plugins import is_reference
from pipeline.settings.fields import (
    COMMON,
    COUNTED,
    DATA,
    RUNNING,
    SEARCH,
    TRAINING,
    Costs,
    Names,
    Pairs,
    PerTarget,
    Share,
    either,
    known,
    listed,
    option_fields,
    setting,
)
from pipeline.space import nearest
from pipeline.training.engines import ENGINES, default
from pipeline.tuning.budget import Budget
from pipeline.tuning.strategies.registry import DEFAULT, OPTIONS, STRATEGIES


class Settings(BaseModel):
    """All settings. Only the data, the target, the space and the study folder have no default."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    data: str = setting(
        about="table (CSV, Excel, Parquet), images (idx, .npz, keras:mnist) or builtin:diabetes", heading=COMMON
    )
    target: Names = setting(about="column to predict, or several", heading=COMMON, min_length=1)
    space: Path = setting(about="search space: a TOML file with the hyperparameters and their ranges", heading=COMMON)
    study: Path = setting(about="folder for the results, such as results/housing", heading=COMMON)

    task: str = setting(
        "auto",
        about=f"{', '.join(tasks.TASKS)}, auto"
        f" ({'; '.join(f'{each.takes}: {each.name}' for each in tasks.TASKS.values())}), or your own as module:object",
        heading=DATA,
    )
    inputs: Names = setting(
        (), about="input columns; if not given, all except the target, the weight and those to leave out", heading=DATA
    )
    ignore: Names = setting((), about="columns to leave out", heading=DATA)
    categories: Names = setting((), about="numeric columns to treat as categories; texts always are", heading=DATA)
    weight: str = setting("", about="column with a weight for each row", heading=DATA)
    group: Names = setting(
        (), about="rows that agree in these columns stay in the same part of the split", heading=DATA
    )
    time: str = setting("", about="time column: the table is a series, and the inputs are windows of it", heading=DATA)
    time_format: str = setting(
        "",
        about="how the time column is written, such as %d/%m/%Y; if not given, as fits every cell; number for numbers",
        heading=DATA,
    )
    window: int = setting(24, about="steps in a window of a series", heading=DATA, ge=1, le=10_000)
    horizon: int = setting(1, about="steps ahead that a series is forecast", heading=DATA, ge=1, le=10_000)
    times: Names = setting(
        (),
        about="columns of dates or times that are inputs, as COLUMN or COLUMN=%d/%m/%Y: elapsed days, and positions in"
        " the year, week and day",
        heading=DATA,
    )
    split: str = setting(
        "",
        about="column that says which part each row is in: train, validation and test, or numbers of folds and test",
        heading=DATA,
    )
    validation_data: str | None = setting(
        None, about="file of the validation rows, with the columns of --data", heading=DATA, min_length=1
    )
    test_data: str | None = setting(
        None, about="file of the test rows, with the columns of --data", heading=DATA, min_length=1
    )
    validation: Share = setting(0.2, about="validation rows: a fraction below 1, or a count", heading=DATA)
    test: Share = setting(0.2, about="test rows, used once at the end: a fraction below 1, or a count", heading=DATA)
    folds: int = setting(
        0,
        about="folds of a cross-validation instead of --validation: repeat i holds out fold i; 0 turns it off",
        heading=DATA,
        ge=0,
        le=100,
    )
    input_scaler: tasks.InputScaler = setting(
        "standard",
        about="scaling of inputs: standard, minmax, robust, quantile (for skewed columns) or none",
        heading=DATA,
    )
    output_scaler: tasks.Scaler = setting(
        "standard", about="scaling of targets: standard, minmax, robust or none", heading=DATA
    )

    target_transform: PerTarget | None = setting(
        None,
        about="transform of targets, such as log, or TARGET=log,TARGET=none: none, log, log1p, asinh (log with a sign),"
        " yeo-johnson, quantile, or auto, by the skewness of the training rows",
        heading=DATA,
    )
    judge_on: tasks.JudgeOn = setting(
        "transformed", about="scale on which errors of transformed targets count: transformed or original", heading=DATA
    )
    target_weights: PerTarget | None = setting(
        None, about="weights of several targets in the score, as TARGET=2,TARGET=1; equal if not given", heading=DATA
    )
    tolerance: PerTarget | None = setting(
        None,
        about="error that is acceptable, such as 5%, or TARGET=5%,TARGET=0.01; 5%|0.01 is within either",
        heading=DATA,
    )

    objective: str = setting(
        "auto",
        about="what ranks configurations and ends the search: "
        + "; ".join(f"{either([*each.measures])} for {each.name}" for each in tasks.TASKS.values())
        + "; auto is the first",
        heading=SEARCH,
    )
    cost: Costs | None = setting(
        None,
        about="what wrong decisions of classes cost, as TRUTH:PREDICTION=COST,TRUTH:PREDICTION=COST (*:*=1 for all that"
        " are not named): the class of least expected cost is predicted, instead of the likeliest",
        heading=SEARCH,
    )
    calibration: tasks.Calibrating = setting(
        "auto",
        about="probabilities of classes: fitted (calibrated on validation rows, where that lowers their cross-fitted"
        " log loss), none (as networks give them), or auto: as the study has it, and fitted for new ones",
        heading=SEARCH,
    )

    strategy: str = setting(
        DEFAULT,
        about="; ".join(f"{name}: {each.help}" for name, each in STRATEGIES.items()) + "; or your own as module:object",
        heading=SEARCH,
    )
    strategy_options: Pairs | None = setting(
        None, about="options of your own strategy, as name=value,name=value", heading=SEARCH
    )
    configurations: int = setting(40, about="configurations to draw in stage 1", heading=COMMON, ge=1, le=100_000)
    repeats: int = setting(
        2,
        about="trainings of each configuration, with different seeds",
        heading=COMMON,
        ge=1,
        le=100,
    )
    max_repeats: int = setting(
        4,
        about="maximum trainings of a configuration that may be the best",
        heading=SEARCH,
        ge=1,
        le=100,
    )
    elite: int = setting(
        3,
        about="configurations that stage 2 starts from, and proposals in a round",
        heading=SEARCH,
        ge=1,
        le=20,
    )
    calls: int = setting(8, about="rounds of proposals in stage 2; 0 turns it off", heading=SEARCH, ge=0, le=10_000)
    trainings: int = setting(
        0,
        about="total budget in trainings, instead of --configurations and --calls; 0 turns it off",
        heading=COMMON,
        ge=0,
        le=10_000_000,
    )
    seconds: float = setting(
        0.0, about="start nothing new after this many seconds of running; 0 for no limit", heading=RUNNING, ge=0, le=1e8
    )
    target_score: float | None = setting(
        None, about="stop as soon as the validation score is this good, confirmed by repeated trainings", heading=SEARCH
    )
    settled: int = setting(
        0,
        about="stop after this many rounds without an expected gain above the noise; 0 turns it off",
        heading=SEARCH,
        ge=0,
        le=10_000,
    )
    prior: Path | None = setting(
        None, about="folder of an earlier study: try its best configurations first", heading=SEARCH
    )
    top: int = setting(
        3, about="number of best configurations to test, export and combine", heading=RUNNING, ge=1, le=50
    )

    model: str = setting(
        next(iter(models.MODELS)),
        about=f"{listed(models.MODELS)}, or your own function as module:function",
        heading=TRAINING,
    )
    engine: str = setting(
        next(iter(ENGINES)),
        about=f"{listed({name: each.about for name, each in ENGINES.items()})}, or your own as module:object",
        heading=TRAINING,
    )
    loss: str = setting(
        "auto",
        about=f"{'; '.join(f'{either(each.losses)} for {each.name}' for each in tasks.TASKS.values())};"
        " auto chooses one that fits the task",
        heading=TRAINING,
    )
    metrics: Names = setting(
        (), about="your own metrics as module:object, in addition to those of the task", heading=TRAINING
    )
    figures: Names = setting((), about="your own figures as module:object", heading=TRAINING)
    class_weights: str = setting(
        "none", about="none, or balanced: rare classes count as much as others in training", heading=TRAINING
    )
    tf32: bool = setting(False, about="faster, less exact matrix products on GPUs", heading=RUNNING)
    epochs: int = setting(200, about="maximum epochs of a training", heading=COMMON, ge=1, le=1_000_000)
    patience: int = setting(
        20, about="stop a training after this many epochs without a better validation score", heading=TRAINING, ge=1
    )
    min_delta: float = setting(
        0.0, about="smallest improvement of the validation score that counts for --patience", heading=TRAINING, ge=0
    )
    seed: int = setting(0, about="seed of the split, the search and the trainings", heading=COMMON, ge=0, lt=2**32)
    slots: str = setting("auto", about="workers: auto, gpu:0,1 or cpu:4x2 (four of two cores)", heading=COMMON)
    cluster: str = setting(
        "local",
        about="where jobs run: local (processes of this machine), or your own backend as module:object",
        heading=RUNNING,
        hidden=True,
    )
    job_limit: float = setting(
        0.0,
        about="seconds of running until a job counts as hung; 0 for about a hundred times the expected time",
        heading=RUNNING,
        ge=0,
        le=10_000_000,
    )

    @model_validator(mode="before")
    @classmethod
    def _engine_of_the_model(cls, values: Any) -> Any:
        """If no engine is named, choose one that can train the model."""
        if isinstance(values, Mapping) and isinstance(model := values.get("model"), str):
            return {"engine": default(model), **values}
        return values

    @model_validator(mode="before")
    @classmethod
    def _sparing_where_trainings_are_counted(cls, values: Any) -> Any:
        """With a budget of trainings, use as many of them as possible to try something new.

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
        return known("task", task, ("auto", *tasks.TASKS))

    @field_validator("objective")
    @classmethod
    def _known_objective(cls, objective: str) -> str:
        measures = ("auto", *(name for task in tasks.TASKS.values() for name in task.measures))
        if objective not in measures:
            near = nearest(objective, measures)
            raise ValueError(f"expected {', '.join(measures)}{near and f'; {near}'}")
        return objective

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, engine: str) -> str:
        return known("engine", engine, ENGINES)

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
                f"strategy_options are for your own strategy (module:object); those of {self.strategy} are settings"
                " of their own"
            )
        return self

    @model_validator(mode="after")
    def _engine_can_train_the_model(self) -> Settings:
        engine = ENGINES.get(self.engine)  # a user-defined one is checked later: reading imports nothing
        if engine is not None and not engine.trains(self.model):
            raise ValueError(
                f"the engine {self.engine} trains --model {either(engine.models)} alone; leave --engine out, or use"
                f" --engine {default(self.model)} for --model {self.model}"
            )
        return self

    @field_validator("loss", "class_weights")
    @classmethod
    def _known_word(cls, word: str, given: ValidationInfo) -> str:
        """Check the loss for a built-in task; a user-defined task knows its own losses."""
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
    def _time_format_is_of_a_column(self) -> Settings:
        if self.time_format and not self.time:
            raise ValueError("a time_format says how the column of --time is written; name that column, too")
        return self

    @model_validator(mode="after")
    def _a_split_has_test_rows(self) -> Settings:
        if self.split and "test" in self.model_fields_set:
            raise ValueError("the column of --split says which rows are for the test; leave --test out")
        return self

    @model_validator(mode="after")
    def _parts_are_said_once(self) -> Settings:
        for part, others in (("test", ("test",)), ("validation", ("validation", "folds"))):
            if not getattr(self, f"{part}_data"):
                continue
            beside = [each for each in others if each in self.model_fields_set and getattr(self, each)]
            if beside or self.split:
                raise ValueError(
                    f"the file of --{part}-data has all {part} rows; leave --{beside[0] if beside else 'split'} out"
                )
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
    def asked(self) -> tasks.Asked:
        """What is asked of the target beyond its task."""
        return tasks.Asked(
            objective=self.objective,
            transforms=self.target_transform or {},
            judge_on=self.judge_on,
            shares=self.target_weights or {},
            tolerances=self.tolerance or {},
        )

    @property
    def budget(self) -> Budget:
        """How much the search may do."""
        mine = type(self).model_fields
        return Budget(**{each.name: getattr(self, each.name) for each in fields(Budget) if each.name in mine})


Fixed: Final = Settings  # without the options of the strategies
Settings = create_model(  # type: ignore[misc]  # to mypy it is the class above: nobody reads an option by its name
    "Settings", __base__=Fixed, __module__=__name__, __doc__=Fixed.__doc__, **option_fields(OPTIONS.values())
)
