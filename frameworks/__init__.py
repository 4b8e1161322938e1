"""Libraries that bring workers of their own, and other people's apps on them, left as they are.

``libraries/`` has a folder for each library; ``inside/`` is what runs in somebody else's Python;
``brokers/`` reads what a broker holds.
"""
