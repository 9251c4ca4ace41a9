"""What a session or a file gave, as tables."""
