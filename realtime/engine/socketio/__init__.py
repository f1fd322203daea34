"""Socket.IO v5: packets, namespaces, rooms, and the server for applications."""
