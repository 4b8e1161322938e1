"""One file a report format: the file ``junit.py`` is ``--format junit``.

A file holds ``FORMAT``. At module level it imports light things only, since every help page
lists the formats; what ``render`` needs is imported in it.
"""
