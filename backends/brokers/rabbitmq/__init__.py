"""RabbitMQ: the client of AMQP 0-9-1, the queue's commands in it, and the framing."""
