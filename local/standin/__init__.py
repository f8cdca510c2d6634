"""A stand-in for Bedrock, with a real model."""
