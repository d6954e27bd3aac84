"""The study folder: its file names, its identity and its lock."""
