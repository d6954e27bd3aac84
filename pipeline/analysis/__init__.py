"""Interpretation of results: pure functions, without files and without TensorFlow."""
