"""The strategies: which configurations to try next. They know summaries, and no files, processes or TensorFlow."""
