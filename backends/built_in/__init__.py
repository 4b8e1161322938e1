"""Backends, one file each: the file ``reference_redis.py`` is ``--backend reference-redis``.

A file holds ``BACKEND``, an object with the members of :class:`..adapter.Adapter`, whose name is
that of the file with dashes. Broken twins are in ``reference/twins/``.
"""
