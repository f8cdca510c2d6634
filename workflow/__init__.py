"""The product: plain Python that keeps a vector search index in step with a drug catalog."""

__version__ = "0.1.0"
"""The one place: pyproject.toml reads it, and a Lambda bundle has no package metadata."""
