"""The run report: assembled from a run's files, and as a page."""
