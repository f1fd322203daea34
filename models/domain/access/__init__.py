"""Accounts of staff and the credentials that open the server: sessions, tokens and private links."""
