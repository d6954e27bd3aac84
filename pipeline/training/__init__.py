"""Training: from a recipe and rows to weights and scores. Only worker processes come here."""
