"""Drivers carry plans out: ``sim`` in virtual time, ``process`` with real processes."""


class EnvironmentFault(Exception):
    """The run could not be carried out here. The message says what is wrong and what to do."""
