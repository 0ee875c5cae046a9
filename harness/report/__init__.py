"""What a person reads, one renderer per file. Pure functions of recording and verdict, but for the live view."""
