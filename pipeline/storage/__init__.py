"""Files: written whole or not at all, read as if a stranger had written them, and the room on the disk for them."""
