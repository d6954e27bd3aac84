"""Saved models: one folder for each configuration, checked before use, reloaded as predictors in original units.

    models/<key of the configuration>/
        configuration.json     the hyperparameters, the kind of model, its inputs and outputs
        preprocessing.skops    scalers, encoders and imputers, as fitted on the training rows
        probe.json             a few rows of the user's table, unscaled
        repeat-000.npz         weights of one training, and its predictions for the probe
        repeat-000.json        its seeds, scores, threads and versions
        repeat-000.curve.json  its losses, epoch by epoch; models of earlier versions have none
        repeat-000.keras       the same network as a native Keras file (top configurations only)
        manifest.json          the SHA-256 of every file above

With folds each repeat has its own scalers: preprocessing-000.skops and probe-000.json belong to repeat 0.

Nothing in such a folder is executed when it is loaded: arrays are read without pickle and scalers through skops, with
no trusted types of our own; networks are built from the configuration by `pipeline.models` and filled with numbers.
"""

from pipeline.saved_models.curves import load_curves
from pipeline.saved_models.member_files import Member, check, load_members
from pipeline.saved_models.predictor import TopModels, digests_of, load_top_models
from pipeline.saved_models.save import Common, add, adopt, check_known, probe_of, save
from pipeline.saved_models.test_answers import Examine, Examined

__all__ = [
    "Common",
    "Examine",
    "Examined",
    "Member",
    "TopModels",
    "add",
    "adopt",
    "check",
    "check_known",
    "digests_of",
    "load_curves",
    "load_members",
    "load_top_models",
    "probe_of",
    "save",
]
