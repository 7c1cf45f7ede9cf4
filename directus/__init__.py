"""The panel of Directus, as data (`panel/`), and what applies it: first to Postgres, then to a running Directus.

It imports nothing of the backend: all that it shares with it is the schema.
"""
