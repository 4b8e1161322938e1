"""The app that ``jobquake demo celery`` runs: a program for the environment of its library."""
