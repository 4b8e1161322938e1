"""beanstalkd, which writes its log before it answers."""

from __future__ import annotations

from ..brokers.beanstalkd.adapter import Beanstalkd

BACKEND = Beanstalkd("beanstalkd", "beanstalkd with its log on disk (-b), jobquake's own worker")
