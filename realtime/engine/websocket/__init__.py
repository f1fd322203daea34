"""WebSocket by RFC 6455: the handshake, frames, and the connection."""
