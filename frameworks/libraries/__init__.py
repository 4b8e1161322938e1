"""Libraries: one folder each, with the library's own name, found by listing this folder.

A folder's ``__init__.py`` is its sign, which can be read without the library: see
:class:`..sign.Sign`. ``outside.py`` holds ``LIBRARY``: what the harness knows of it (see
:mod:`..library`). ``inside.py`` runs in the team's Python, beside the library, and imports nothing
else that is not in every Python: ``hook()`` connects the probe in a worker, ``recognises(found)``
and ``look(found, task)`` tell what an app is, ``producer(found, task, options)`` gives a function
that enqueues one job.
"""
