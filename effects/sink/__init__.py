"""A payment API for tests: it takes charges over HTTP, counts them, and misbehaves as told.

``payments.py`` decides what becomes of a request, ``journal.py`` keeps it, ``server.py`` serves.
"""
