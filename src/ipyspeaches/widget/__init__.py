"""The widgets: traits and wiring around a session, and around a recording."""
