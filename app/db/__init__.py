"""All the SQL. Functions take a connection from `Database.read()` or `Database.write()`; nobody else executes a statement."""
