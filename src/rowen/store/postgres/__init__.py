"""The store on PostgreSQL: one database for several machines."""
