"""The server describes itself: JSON schemas, OpenAPI and AsyncAPI."""
