"""The scoreboard: libraries in their configurations, each struck in the same ways, repeatedly."""
