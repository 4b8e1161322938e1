"""Floor 5: the catalogue. One file per scenario, each the explanation of a failure."""
