"""What a search believes of configurations that it never trained, and what it proposes."""
