"""The study folder: where its files are, what it is bound to, and who holds it."""
