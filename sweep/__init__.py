"""The sweep: every round trip of a job's life, broken in every way, one at a time.

One clean run shows which round trips there are (:mod:`.clean`, :mod:`.boundaries`). Each of them
and each way to break it (:mod:`.ways`) is a cell: one run from a fresh state (:mod:`.cell`), as
plain as any other, so that it has a replay string of its own. :mod:`.conduct` runs the cells, the
most telling first, on several servers at once, and :mod:`.kept` keeps what is done.
"""
