"""What the steps need of the world, one file for each part of it, with the shapes that cross."""
