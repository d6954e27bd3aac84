"""The user's table: read, checked, split and scaled."""
