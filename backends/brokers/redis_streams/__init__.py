"""Redis Streams with a consumer group: the queue's commands in it, and the framing."""
