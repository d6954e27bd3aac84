"""The user's table: read, split, scaled, and scored in its own units."""
