"""One file a command: the file ``soak.py`` is ``jobquake soak``.

A file holds ``command``, a click command, and ``SECTION``, where the group's help page shows it
(see ``group.py``). At module level it imports click, options and other light things only,
since the page asks every file for its summary; what the command needs is imported in it.
"""
