"""What the results mean: functions from facts to statements, without files and without TensorFlow."""
