"""Dramatiq on Redis: a broker object, workers of several processes with several threads each."""
