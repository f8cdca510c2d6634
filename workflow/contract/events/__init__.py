"""Payloads between states, files of the run bucket, and the report."""
