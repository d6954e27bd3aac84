"""One run of a study, from its settings to its summary."""
