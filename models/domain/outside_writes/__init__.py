"""Outside writes: the rows that other programs write become changes like any other."""
