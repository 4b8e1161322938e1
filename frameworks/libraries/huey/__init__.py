"""Huey on Redis: a Huey object, consumers with threads, processes or greenlets."""

TITLE, KIND = "Huey", "a Huey object on Redis"
MAKERS = tuple(
    f"{module}.{kind}"
    for module in ("huey", "huey.api")
    for kind in ("RedisHuey", "RedisExpireHuey", "PriorityRedisHuey", "PriorityRedisExpireHuey")
)
PINS = ("huey==3.5.4", "redis==7.4.1")
