"""What every plug-in of a kind must do, as tests to subclass. One suite runs over all of them, yours included."""
