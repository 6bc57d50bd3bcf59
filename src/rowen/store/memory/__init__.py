"""The store in the memory of one process: for tests and for trying things out. It forgets all when it is closed."""
