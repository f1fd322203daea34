"""The asynchronous half: the communication with clients. It writes no SQL; `AsyncService` runs the service."""
