"""Everything that a user can set, from a file or the command line."""

from pipeline.settings.fields import COMMON, HEADINGS, Names
from pipeline.settings.help_texts import Described, described
from pipeline.settings.reading import read
from pipeline.settings.settings import Settings
from pipeline.settings.strategy_options import strategy_of

__all__ = ["COMMON", "HEADINGS", "Described", "Names", "Settings", "described", "read", "strategy_of"]
