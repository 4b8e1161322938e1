"""Leaping time: real, unmodified processes on one virtual clock."""
