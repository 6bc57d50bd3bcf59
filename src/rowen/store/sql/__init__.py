"""The families of rare writes, in SQLAlchemy Core: one code for every SQL database."""
