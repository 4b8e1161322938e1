"""Python environments of their own for libraries under test: pinned, cached, made when needed.

Libraries under test have pins that conflict with each other's and with ours, so each set of pins
has an environment. Nothing of it is imported here.
"""
