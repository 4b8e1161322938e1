"""Floor 3: from a result to something that a person or a machine reads."""
