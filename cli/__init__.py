"""`drugsync`, the command line."""
