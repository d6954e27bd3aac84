"""Which configurations to try next: studies, strategies, surrogates; without files, processes or TensorFlow."""
