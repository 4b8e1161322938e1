"""Where the reference queue keeps its records. A store is dumb: it decides nothing."""
