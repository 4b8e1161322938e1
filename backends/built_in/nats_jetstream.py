"""NATS JetStream whose stream is kept in files."""

from __future__ import annotations

from ..brokers.nats_jetstream.adapter import NatsJetStream

BACKEND = NatsJetStream(
    "nats-jetstream", "NATS JetStream with its stream in files, jobquake's own worker"
)
