"""A file a bug: ``rq_2424.py`` is ``jobquake backtest rq-2424`` and holds ``BACKTEST``."""
