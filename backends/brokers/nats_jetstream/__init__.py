"""NATS JetStream: the client of its text protocol, the queue's commands in it, and the framing."""
