"""Settings: read from a TOML file and the command line, checked once, stored with the study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline import models
from pipeline.errors import UserError
from pipeline.space import nearest, read_toml
from pipeline.tuning.strategies.registry import STRATEGIES


def _names(value: object) -> object:
    """One name, a comma-separated text of names, or a list of names (for names with commas in them)."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list | tuple):
        return tuple(value)
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Share = Annotated[float, Field(gt=0)]
Scaler = Literal["standard", "minmax", "robust", "none"]
InputScaler = Literal["standard", "minmax", "robust", "quantile", "none"]

PACKED = "mlp"  # the kind of network that the packed engine trains
COUNTED = {"repeats": 1, "max_repeats": 8, "elite": 2}  # defaults where trainings are counted: benchmark_search.py
DATA, SEARCH, TRAINING = "Data", "Search", "Training"  # the headings of --help


def _setting(default: Any = ..., *, about: str, heading: str, **bounds: Any) -> Any:
    return Field(default, description=about, json_schema_extra={"heading": heading}, **bounds)


class Settings(BaseModel):
    """Everything a user can set; every field has a default but the data, the target, the space and the study folder."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    data: str = _setting(
        about="CSV, Excel or Parquet file, images (idx, .npz, keras:mnist), or builtin:diabetes", heading=DATA
    )
    target: Names = _setting(about="column to predict, or several", heading=DATA, min_length=1)
    space: Path = _setting(about="search space file (TOML)", heading=SEARCH)
    study: Path = _setting(about="folder of the study, below results/", heading=SEARCH)

    task: Literal["auto", "regression", "classification"] = _setting(
        "auto",
        about="regression, classification, or auto: numbers are for regression, texts and truth values are classes",
        heading=DATA,
    )
    inputs: Names = _setting(
        (), about="input columns; all but target, weight and ignored ones if not given", heading=DATA
    )
    ignore: Names = _setting((), about="columns that are no inputs", heading=DATA)
    categories: Names = _setting((), about="numeric columns that are categories; texts always are", heading=DATA)
    weight: str = _setting("", about="column with the weight of each row", heading=DATA)
    group: Names = _setting((), about="columns; rows that agree in all of them stay in one part", heading=DATA)
    time: str = _setting("", about="column of the time: the table is a series, inputs are windows of it", heading=DATA)
    window: int = _setting(24, about="steps of a window of a series", heading=DATA, ge=1, le=10_000)
    horizon: int = _setting(1, about="steps that a forecast reaches ahead", heading=DATA, ge=1, le=10_000)
    validation: Share = _setting(0.2, about="share of the rows that choose; from 1 up, how many", heading=DATA)
    test: Share = _setting(0.2, about="share of the rows kept for the end; from 1 up, how many", heading=DATA)
    folds: int = _setting(
        0,
        about="folds of a cross-validation in place of --validation: repeat i holds out fold i; 0 for one split",
        heading=DATA,
        ge=0,
        le=100,
    )
    input_scaler: InputScaler = _setting(
        "standard",
        about="standard, minmax, robust, quantile (ranks as a bell curve, for skewed columns) or none",
        heading=DATA,
    )
    output_scaler: Scaler = _setting("standard", about="standard, minmax, robust or none", heading=DATA)

    configurations: int = _setting(40, about="configurations of stage 1", heading=SEARCH, ge=1, le=100_000)
    repeats: int = _setting(
        2, about="trainings of each configuration; 1 unless given with --trainings", heading=SEARCH, ge=1, le=100
    )
    max_repeats: int = _setting(
        4,
        about="trainings of a contender, before its rank is believed; 8 unless given with --trainings",
        heading=SEARCH,
        ge=1,
        le=100,
    )
    elite: int = _setting(
        3,
        about="configurations that stage 2 tries at once, and starts from; 2 unless given with --trainings",
        heading=SEARCH,
        ge=1,
        le=20,
    )
    elite_from: Literal["score", "front"] = _setting(
        "score",
        about="where stage 2 starts from: score, the best of each depth; front, along the front of score and weights",
        heading=SEARCH,
    )
    calls: int = _setting(8, about="times that it does so; 0 for no stage 2", heading=SEARCH, ge=0, le=10_000)
    trainings: int = _setting(
        0,
        about="trainings of both stages together, in place of configurations and calls; 0 for those",
        heading=SEARCH,
        ge=0,
        le=10_000_000,
    )
    seconds: float = _setting(
        0.0, about="seconds of a run, after which it tries nothing more; 0 for no limit", heading=SEARCH, ge=0, le=1e8
    )
    target_score: float | None = _setting(
        None, about="objective that is good enough: nothing more is tried once it is reached", heading=SEARCH
    )
    settled: int = _setting(
        0,
        about="times that stage 2 expects less than the noise to be gained, before it ends; 0 for no such end",
        heading=SEARCH,
        ge=0,
        le=10_000,
    )
    prior: Path | None = _setting(
        None, about="folder of another study: its best configurations are tried first", heading=SEARCH
    )
    units_radius: int | None = _setting(
        None,
        about="neurons that stage 2 looks up and down at first; as far as other ranges if not given",
        heading=SEARCH,
        ge=1,
    )
    units_step: int = _setting(2, about="in steps of so many", heading=SEARCH, ge=1)
    box_fraction: float = _setting(
        0.4, about="part of a range that stage 2 looks up and down at first", heading=SEARCH, gt=0, le=1
    )
    strategy: str = _setting(
        "two-stage",
        about="two-stage; gp: one Gaussian process of the whole space in place of stage 2, one proposal at a time;"
        " random, sobol, latin-hypercube or grid, without stage 2; halving or hyperband, which stop most trainings"
        " after fewer epochs",
        heading=SEARCH,
    )
    acquisition: Literal["ei", "pi", "lcb", "gp_hedge"] = _setting(
        "ei",
        about="what strategy gp maximises: expected improvement, probability of improvement, lower confidence bound,"
        " or a hedge between them",
        heading=SEARCH,
    )
    top: int = _setting(3, about="best configurations that are tested and exported", heading=SEARCH, ge=1, le=50)

    model: str = _setting(
        "mlp", about="mlp, convnet, recurrent, or a function of yours as module:function", heading=TRAINING
    )
    engine: Literal["packed", "keras"] = _setting(
        "packed", about="packed (fast, for mlp alone), or keras (model.fit; of all other models)", heading=TRAINING
    )
    loss: Literal["auto", "mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy"] = _setting(
        "auto",
        about="mse, mae or huber for numbers; binary_crossentropy or categorical_crossentropy for classes;"
        " auto is mse, or the cross-entropy that fits",
        heading=TRAINING,
    )
    class_weights: Literal["none", "balanced"] = _setting(
        "none", about="none, or balanced: rare classes count as much as others in training", heading=TRAINING
    )
    tf32: bool = _setting(False, about="on GPUs: faster, less exact matrix products", heading=TRAINING)
    epochs: int = _setting(200, about="most epochs of a training", heading=TRAINING, ge=1, le=1_000_000)
    patience: int = _setting(
        20, about="epochs without a better validation score before stopping", heading=TRAINING, ge=1
    )
    min_delta: float = _setting(0.0, about="improvements below this do not count", heading=TRAINING, ge=0)
    seed: int = _setting(
        0, about="of the split, the configurations and the trainings", heading=TRAINING, ge=0, lt=2**32
    )
    slots: str = _setting("auto", about="workers: auto, gpu:0,1 or cpu:4x2 (four of two cores)", heading=TRAINING)
    job_limit: float = _setting(
        0.0,
        about="seconds after which a job of a worker counts as hung; 0 for about a hundred times what it should take",
        heading=TRAINING,
        ge=0,
        le=10_000_000,
    )

    @model_validator(mode="before")
    @classmethod
    def _engine_of_the_model(cls, values: Any) -> Any:
        """Where no engine is named, the one that can train the model."""
        if isinstance(values, Mapping) and values.get("model", PACKED) != PACKED:
            return {"engine": "keras", **values}
        return values

    @model_validator(mode="before")
    @classmethod
    def _sparing_where_trainings_are_counted(cls, values: Any) -> Any:
        """Where trainings are what there is a budget of, each one that may tries something new, knowing all before it.

        Contenders are still trained several times, up to `max_repeats`.
        """
        if isinstance(values, Mapping) and values.get("trainings"):
            return {**COUNTED, **values}
        return values

    @field_validator("strategy")
    @classmethod
    def _known_strategy(cls, strategy: str) -> str:
        if strategy not in STRATEGIES:
            near = nearest(strategy, STRATEGIES)
            raise ValueError(f"expected {', '.join(STRATEGIES)}{near and f'; {near}'}")
        return strategy

    @field_validator("model")
    @classmethod
    def _known_model(cls, model: str) -> str:
        if model not in models.MODELS and not models.is_own(model):
            near = nearest(model, models.MODELS)
            raise ValueError(f"expected {', '.join(models.MODELS)} or module:function{near and f'; {near}'}")
        return model

    @model_validator(mode="after")
    def _engine_can_train_the_model(self) -> Settings:
        if self.engine == "packed" and self.model != PACKED:
            raise ValueError(
                f"the packed engine trains perceptrons (--model {PACKED}) alone; leave --engine out, or use"
                f" --engine keras for --model {self.model}"
            )
        return self

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


def read(path: Path | None, options: Mapping[str, Any]) -> Settings:
    """The settings of a file, if any, overruled by the options that are not None; UserError for a mistake."""
    values = read_toml(path, "settings") if path is not None else {}
    given = {name: value for name, value in options.items() if value is not None}
    return _checked({**values, **given})


def _checked(values: Mapping[str, Any]) -> Settings:
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        raise UserError(
            f"There is no setting {unknown[0]!r}",
            expected=", ".join(Settings.model_fields),
            hint=nearest(unknown[0], Settings.model_fields) or "remove it from the settings file",
        )
    for name, value in values.items():
        field = Settings.model_fields[name]
        # Pydantic takes true for 1, and an empty path for the working directory.
        flag = isinstance(value, bool) and field.annotation is not bool
        if flag or (value == "" and field.is_required()):
            raise UserError(f"The setting {name} is wrong", expected=field.description or "", got=repr(value))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raised = first.get("ctx", {}).get("error")
        if isinstance(raised, UserError):  # pydantic catches every ValueError of a validator
            raise raised from None
        name = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "missing":
            description = Settings.model_fields[name].description
            raise UserError(
                f"The setting {name} is missing",
                expected=description or "",
                hint=f"give --{name}, or put it into the settings file",
            ) from None
        text = str(first["msg"]).removeprefix("Value error, ")
        got = repr(first["input"]) if name else ""
        raise UserError(f"The setting {name} is wrong: {text}" if name else text, got=got) from None
