"""The ranking of configurations, and those that are as good as the best: pure functions of repeats and summaries."""
