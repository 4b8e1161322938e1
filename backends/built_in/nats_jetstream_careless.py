"""NATS JetStream whose stream is kept in memory: a crash loses it."""

from __future__ import annotations

from msgspec.structs import replace

from ..brokers.nats_jetstream.adapter import CLAIMS, NatsJetStream

BACKEND = NatsJetStream(
    "nats-jetstream-careless",
    "the same with its stream in memory, so that a crash loses every job",
    replace(CLAIMS, caveat="this stream is kept in memory; with storage file it is on disk"),
    careless=True,
)
