"""What the steps need from outside: one file for each service, with the types that cross."""
