"""taskiq on Redis: a broker object on a list or a stream, workers of several processes."""

TITLE, KIND = "taskiq", "a taskiq broker on Redis"
MAKERS = tuple(
    f"{module}.{kind}"
    for module in ("taskiq_redis", "taskiq_redis.redis_broker")
    for kind in ("ListQueueBroker", "RedisStreamBroker")
)
PINS = ("taskiq==0.13.0", "taskiq-redis==1.2.4", "redis==8.1.0")
