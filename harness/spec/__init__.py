"""The specification: what a queue may do and must do, by its claims, both sides of each promise.

Pure functions of a run's facts or of a job's options. Here stands what is certain: between which
times a job becomes ready, how often it was handed out at least and at most, which grants may have
gone astray, when it surely waited while a worker surely asked. Checks, the contract's model and
exploration make their judgements of it; nothing here judges, and nobody else knows it a second
time.
"""
