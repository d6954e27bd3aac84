"""Predictions for configurations that were never trained, and the proposals that follow from them."""
