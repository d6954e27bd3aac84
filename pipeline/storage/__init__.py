"""Files: written completely or not at all, read as untrusted input, with a check of the free disk space."""
