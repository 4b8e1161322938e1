"""The reference queue: one core of decisions, many stores, reachable in process or by TCP."""
