"""Search strategies compared on one table: studies of equal cost, paired over seeds."""
