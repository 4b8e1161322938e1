"""Shrinking: from a plan that breaks a guarantee to the smallest story that still does.

``smaller.py`` lists the ways in which a plan can be less, ``shrink.py`` takes them until none
is left, ``likelihood.py`` says when the failure became inevitable.
"""
