"""Mail to guests: the messages, the outbox that sends them, and the connection to the mail server."""
