"""The strategies, a file each, and what a strategy is."""
