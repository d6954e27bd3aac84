"""The models, which turn a configuration into a network; their common interface is the protocol `Model`."""

from pipeline.models.layer_widths import LAYERS
from pipeline.models.model import BATCH, Layers, Model, Network, Signature, predict
from pipeline.models.registry import MODELS, impossible, is_own, load

__all__ = [
    "BATCH",
    "LAYERS",
    "MODELS",
    "Layers",
    "Model",
    "Network",
    "Signature",
    "impossible",
    "is_own",
    "load",
    "predict",
]
