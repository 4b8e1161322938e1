"""ARQ: a class of settings, workers that are one process with an event loop, on Redis."""

TITLE, KIND = "ARQ", "the WorkerSettings of ARQ"
MAKERS: tuple[str, ...] = ()
CALLED = ("WorkerSettings",)
PINS = ("arq==0.28.0", "redis==5.3.1")  # it needs a redis-py below 6
