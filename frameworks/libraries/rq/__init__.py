"""RQ: a queue object, workers that fork a process for each job."""

TITLE, KIND = "RQ", "an RQ queue"
MAKERS = (
    "rq.Queue",
    "rq.queue.Queue",
    "django_rq.get_queue",
    "django_rq.queues.get_queue",
)
PINS = ("rq==3.0.0", "redis==7.4.1")
TEST_ENDS = """\
    # RQ keeps what failed until somebody requeues it. One job kills whatever runs it, each time.
    assert result.outcomes["dead-lettered"] <= 1, "not run again by itself; see Retry of RQ"
"""
