"""A sweep as lines for a terminal, as one HTML page, as JUnit XML and as JSON."""
