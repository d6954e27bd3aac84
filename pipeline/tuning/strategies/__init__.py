"""The strategies, one file each, and their base class."""
