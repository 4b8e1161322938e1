"""Floor 3: what a queue is to us, the reference queue, and every adapter."""
