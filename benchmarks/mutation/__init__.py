"""What benchmarks/mutation_score.py is made of: mutants, a second package to run them, judges."""
