"""Dramatiq on Redis or RabbitMQ: a broker object, workers of several processes with threads."""

TITLE, KIND = "Dramatiq", "a Dramatiq broker"
MAKERS = ("dramatiq.brokers.redis.RedisBroker", "dramatiq.brokers.rabbitmq.RabbitmqBroker")
PINS = ("dramatiq==2.2.1", "redis==7.4.1", "pika==1.4.4")
