"""The owner of tasks and state: source, detection, connection and results, on one engine thread."""
