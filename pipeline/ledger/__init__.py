"""The journal, which is the truth of a study, and what follows from it."""
