"""The product: plain Python that keeps a vector search index in step with a drug catalog."""
