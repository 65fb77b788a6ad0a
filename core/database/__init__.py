"""Rows in SQLite or Postgres: the only package that knows SQL."""
