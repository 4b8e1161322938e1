"""Brokers whose workers tell them that a job is done before they begin it."""

from __future__ import annotations

from dataclasses import replace

from jobquake.backends.built_in import beanstalkd, nats_jetstream, rabbitmq_quorum, redis_streams
from jobquake.backends.reference.twins.ack_before_run import worker

BEANSTALKD = replace(beanstalkd.BACKEND, name="hasty-beanstalkd", worker=worker)
NATS = replace(nats_jetstream.BACKEND, name="hasty-nats", worker=worker)
STREAMS = replace(redis_streams.BACKEND, name="hasty-streams", worker=worker)
RABBITMQ = replace(rabbitmq_quorum.BACKEND, name="hasty-rabbitmq", worker=worker)
