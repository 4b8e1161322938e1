"""What the processes of a run say and write to each other: commands, worker, ledger, clocks."""
