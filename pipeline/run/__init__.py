"""One run of a study, from settings to summary: puts the other rooms together."""
