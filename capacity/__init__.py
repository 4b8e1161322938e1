"""From arrival rate and service times to the number of workers: formulas beside simulation.

``traffic.py`` says what comes in, ``load.py`` what crashes and retries add to it,
``waiting.py`` which formula applies, ``simulate.py`` what really happens, ``sizing.py`` how
many workers that takes. Nothing here runs a queue or judges a run.
"""
