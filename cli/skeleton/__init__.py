"""What ``jobquake init adapter`` writes: true modules, checked as all others, under another name.

Nothing here is imported; the command copies the text and puts the queue's name into it.
"""
