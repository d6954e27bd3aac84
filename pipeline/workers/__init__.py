"""Worker processes: one for each slot, pinned before it imports anything heavy."""
