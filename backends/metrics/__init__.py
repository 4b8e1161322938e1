"""What a queue measures of itself, as Prometheus reads it. It knows no backend."""
