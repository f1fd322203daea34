"""The voice: everything that speaks to clients. Asynchronous, without SQL; the book is behind `service`."""
