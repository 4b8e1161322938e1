"""A queue of any language, described in a TOML file: the commands that enqueue, work and look.

Its workers tell jobquake of their jobs over HTTP or by lines of JSON (``reporting.py``).
"""
