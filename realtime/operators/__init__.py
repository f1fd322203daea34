"""The state of the server for its operators: metrics, the figures of the staff page, and traces."""
