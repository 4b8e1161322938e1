"""Procrastinate: an app object on PostgreSQL, workers that are one process with an event loop."""

TITLE, KIND = "Procrastinate", "a Procrastinate app"
MAKERS = ("procrastinate.App", "procrastinate.app.App")
PINS = ("procrastinate==3.10.0", "psycopg[binary]==3.3.9")
