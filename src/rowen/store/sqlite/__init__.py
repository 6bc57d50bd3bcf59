"""The store in one folder of SQLite files: the default. Several processes may share the folder."""
