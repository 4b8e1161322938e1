"""Brokers that people run, as queue systems: one folder each, with jobquake's own worker.

An adapter here says in its claims what its broker does not do, and does none of it in its place:
what it remembers is what the broker told it over the connection that it has just now.
"""
