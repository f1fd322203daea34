"""RFC 6455: the handshake, frames, and a connection that speaks them."""
