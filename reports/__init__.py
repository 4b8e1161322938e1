"""Floor 6: from a result to something that a person or a machine reads."""
