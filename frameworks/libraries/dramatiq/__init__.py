"""Dramatiq on Redis: a broker object, workers of several processes with several threads each."""

TITLE, KIND = "Dramatiq", "a Dramatiq broker"
MAKERS = ("dramatiq.brokers.redis.RedisBroker",)
PINS = ("dramatiq==2.2.1", "redis==7.4.1")
