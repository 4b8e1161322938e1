"""Celery: an app object, workers with pools of processes, threads or greenlets."""

TITLE, KIND = "Celery", "a Celery app"
MAKERS = ("celery.Celery", "celery.app.Celery", "celery.app.base.Celery")
COMMAND = r"\bcelery\b[^\n#]*?(?:-A|--app)[ =]+([\w.:]+)[^\n#]*\bworker\b"
PINS = ("celery==5.7.0", "redis==7.4.1", "packaging==26.3")  # kombu needs packaging and hides it
