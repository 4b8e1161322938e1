"""``python -m jobquake`` is the command ``jobquake``."""

from .cli import main

if __name__ == "__main__":
    main()
