"""A live page for work that takes long: how far it is, what was found, and a button to end it.

    kept state --reader--> Seen --page--> HTML --server--> a browser on this machine

The reader (:mod:`.seen`) knows the three kinds of work, the server (:mod:`.server`) knows none of
them, and the page (:mod:`.page`) is one template. Whoever works is asked for nothing: all that
is told stands in the folder in which the work is kept anyway.
"""
