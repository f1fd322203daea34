"""HTTP: the same commands and questions as over Socket.IO, the pages, and what operators ask."""
