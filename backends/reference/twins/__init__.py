"""Broken twins: the reference queue with exactly one mistake each, named for the mistake.

The file ``no_lease.py`` is ``twin-no-lease`` and holds ``TWIN``. Its docstring says which
mistake, whom it hurts, and which check must find it.
They exist so that every check can be seen failing, and anyone can see a failure.
"""
