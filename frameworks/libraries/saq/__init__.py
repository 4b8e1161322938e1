"""SAQ: a dictionary of settings, workers that are one process with an event loop, on Redis."""

TITLE, KIND = "SAQ", "the settings of SAQ, a dictionary with a queue"
MAKERS: tuple[str, ...] = ()
CALLED = ("settings",)
PINS = ("saq[redis]==0.26.4", "redis==7.4.1", "typing-extensions==4.16.0")  # which it hides
