"""The reference queue over TCP: its server, its client, and the frames between them."""
