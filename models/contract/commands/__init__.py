"""Every request, declared once: commands and queries, a module for each subject.

The base classes and the types of fields are in `models/contract/request.py`. A handler is registered beside its
definition with `@handles`. The HTTP route is one row in `realtime/http/routes.py`.
"""
