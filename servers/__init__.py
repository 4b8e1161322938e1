"""Servers to test against: the real Redis and PostgreSQL, each in a folder of its own.

``python -m jobquake.servers.redis FOLDER PORT`` serves until it is told to stop;
:func:`.running.started` is the same for a program that wants one for a while.
"""
