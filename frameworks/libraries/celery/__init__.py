"""Celery: an app object, workers with pools of processes, threads or greenlets."""
