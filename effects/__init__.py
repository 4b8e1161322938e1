"""What jobs do to the world, and how it is counted: the team's own way, or a payment API of ours.

An effect has an identifier, and every way of counting answers how often each one happened.
``sink/`` plays a payment API that counts charges itself. Nothing here knows a plan or a check.
"""
