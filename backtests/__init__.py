"""Public bugs of libraries, staged on the version that has them and on the one that has not.

A backtest shows that jobquake would have found the bug. ``bugs/`` has a file for each; ``apps/``
has the apps that they are staged on, which run in an environment with the library's exact version.
"""
