"""Toxiproxy: the network between the processes of a run, and the faults in it."""
