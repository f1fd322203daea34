"""What the tests stand on: real servers, real clients, a real browser and a bad network."""

from tests.support.eventually import eventually, wait_until
from tests.support.node import Node
from tests.support.port import free_port
from tests.support.proxy import Proxy
from tests.support.server import ROOT, Server

__all__ = [
    "ROOT",
    "Node",
    "Proxy",
    "Server",
    "eventually",
    "free_port",
    "wait_until",
]
