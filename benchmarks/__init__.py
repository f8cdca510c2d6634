"""What `make bench` measures: ratios of things that run side by side, never seconds alone."""
