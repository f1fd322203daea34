"""The edge: a server that holds watchers and no database. It follows another server by its public routes."""
