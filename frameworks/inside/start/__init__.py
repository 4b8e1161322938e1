"""The folder that stands first on a worker's PYTHONPATH; Python itself runs what is in it."""
