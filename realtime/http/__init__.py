"""HTTP: the API with the requests of Socket.IO, the pages, and the routes for operators."""
