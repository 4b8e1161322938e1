"""Drivers carry plans out: ``sim`` in virtual time, ``process`` with real processes."""
