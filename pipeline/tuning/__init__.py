"""Which configurations to try next: studies, strategies, surrogates. They know no files, processes or TensorFlow."""
