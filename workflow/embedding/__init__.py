"""Calls of the embedding model within the quota that all functions share."""
