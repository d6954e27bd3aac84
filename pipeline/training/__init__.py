"""Training: from a recipe and rows to weights and scores. Runs in worker processes only."""
