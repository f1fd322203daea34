"""The asynchronous half: everything that talks to clients. It writes no SQL; `AsyncService` runs the service."""
