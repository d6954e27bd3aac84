"""What every network has to beat: each baseline is a module, and knows how it is made and scored."""
