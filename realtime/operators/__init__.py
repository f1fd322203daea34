"""What operators see: metrics, the figures of the staff page, and traces."""
