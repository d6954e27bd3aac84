"""The tasks: each module of this room knows what a kind of study predicts, how that is encoded, and how good it is.

What a module offers is its `TASK`, a value of `Task`; what the training rows teach it is a `Target`. Workers import
this room, so it needs nothing but numpy; what a target needs to be fitted with is imported there.
"""

from pipeline.tasks.asked import NOTHING_ASKED, Asked, JudgeOn
from pipeline.tasks.decisions import FITTED, UNCALIBRATED, Calibrating, Decision
from pipeline.tasks.few import few_values
from pipeline.tasks.measures import objective, objective_of_units, with_options
from pipeline.tasks.registry import FIRST, TASKS, UNSAID, for_targets, is_own, load, metrics, restore, use
from pipeline.tasks.task import Columns, InputScaler, Measure, Metric, Scaler, Scores, Target, Task, scores, spread

__all__ = [
    "FIRST",
    "FITTED",
    "NOTHING_ASKED",
    "TASKS",
    "UNCALIBRATED",
    "UNSAID",
    "Asked",
    "Calibrating",
    "Columns",
    "Decision",
    "InputScaler",
    "JudgeOn",
    "Measure",
    "Metric",
    "Scaler",
    "Scores",
    "Target",
    "Task",
    "few_values",
    "for_targets",
    "is_own",
    "load",
    "metrics",
    "objective",
    "objective_of_units",
    "restore",
    "scores",
    "spread",
    "use",
    "with_options",
]
