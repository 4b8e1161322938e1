"""What runs inside somebody else's Python: in a worker, in a producer, or to look at an app.

Standard library only, and no newer than Python 3.9. It is not installed there: whoever starts it
makes a package of these files under a name of its own (``start/sitecustomize.py``), so nothing of
jobquake is imported that is not named.
"""
