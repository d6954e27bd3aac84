"""Searches held against each other on one table: studies of equal cost, paired over seeds."""
