"""What executes a plan: ``sim`` in virtual time, ``process`` with real processes."""
