"""The base of the tests: real servers, real clients, a real browser and a bad network."""

from tests.support.clients.client import GUESTS, STAFF, Answer, Api, Client, new_key
from tests.support.clients.viewer import Viewer, is_same
from tests.support.eventually import eventually, wait_until
from tests.support.node import Node
from tests.support.port import free_port
from tests.support.process import ROOT
from tests.support.proxy import Proxy
from tests.support.server import Server

__all__ = [
    "GUESTS",
    "ROOT",
    "STAFF",
    "Answer",
    "Api",
    "Client",
    "Node",
    "Proxy",
    "Server",
    "Viewer",
    "eventually",
    "free_port",
    "is_same",
    "new_key",
    "wait_until",
]
