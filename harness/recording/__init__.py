"""What happened in a run: events as they were written down, and questions that can be asked of them."""
