"""Floor 4: plans, faults, drivers, ledger and history, checks, verdicts.

Knows no scenario and no backend by name.
"""
