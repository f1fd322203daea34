"""The ways to subscribe: Socket.IO, server-sent events, plain WebSocket and long poll."""
