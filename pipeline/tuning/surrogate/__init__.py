"""Predictions for untried configurations, and proposals based on them."""
