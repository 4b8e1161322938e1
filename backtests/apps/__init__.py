"""The apps that bugs are staged on. Each is imported by the library's own environment only."""
