"""What happened in a run: the history, what it says of each job, and its story in words."""
