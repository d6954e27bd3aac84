"""Who is best, and what cannot be told apart from it: pure functions of repeats and summaries."""
