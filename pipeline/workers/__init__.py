"""Worker processes: one for each slot, pinned before anything heavy is imported."""
