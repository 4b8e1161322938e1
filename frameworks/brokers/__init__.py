"""What a broker holds, read from its own keys, past the network and without the library."""
