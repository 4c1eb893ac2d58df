"""What master and workers say to each other beyond Locust's own protocol, and a server socket that survives garbage.

Stock Locust lets one malformed message end its listener, and takes anyone on the port for a worker. Here a worker
proves that it knows the run's token, without showing it, before its first client_ready.
"""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable
from typing import Any

import zmq.error
from locust.exception import RPCError
from locust.rpc import Message, zmqrpc
from zmq import MAXMSGSIZE, ROUTER

logger = logging.getLogger(__name__)

HELLO = "gb_hello"  # worker: {"proof", "host", "kind", "engine", "pod"}, before each client_ready
# master: {"attempt", "order", "phase", "settled", "worker", "workers", "startsAt"}; "rate" too where load is open
PHASE = "gb_phase"
PHASE_ACK = "gb_phase_ack"  # worker: {"order"}
DRAIN = "gb_drain"  # master: {"phase", "seconds"}
PLAN = "gb_plan"  # master: {"plan"}, the next run's as text; the master goes, and comes back with it
PLAN_ACK = "gb_plan_ack"  # worker: it will do so too
SELF_STOP = "gb_self_stop"  # worker: its locustfile has ended the test
REPORT_KEY = "gatebench"  # in Locust's stats message
# A report holds at most some hundred histograms; a bigger message is not one of ours.
MAX_MESSAGE_BYTES = 8 * 2**20


def proof(token: str, uid: str, node_id: str) -> str:
    """What shows that a worker belongs to a run."""
    text = f"gatebench worker\n{uid}\n{node_id}".encode()
    return hmac.new(token.encode(), text, hashlib.sha256).hexdigest()


def proven(given: Any, token: str, uid: str, node_id: str) -> bool:
    """Whether a proof is right; in constant time."""
    return isinstance(given, str) and hmac.compare_digest(given.encode(), proof(token, uid, node_id).encode())


class Server(zmqrpc.Server):
    """The master's socket. Messages that are not Locust's are counted and dropped."""

    on_garbage: Callable[[str], None] = staticmethod(lambda peer: None)

    def __init__(self, host: str, port: int) -> None:
        # As Locust does it, but with the limit, which holds only if it is set before the socket is bound.
        zmqrpc.BaseSocket.__init__(self, ROUTER, self.ipv4_only(host, port))
        self.socket.setsockopt(MAXMSGSIZE, MAX_MESSAGE_BYTES)
        try:
            self.socket.bind(f"tcp://{host}:{port}")
        except zmq.error.ZMQError as error:
            raise RPCError(f"Socket bind failure: {error}") from error
        self.port = port

    def recv_from_client(self) -> tuple[str, Message]:
        """The next sound message and who sent it."""
        while True:
            try:
                frames = self.socket.recv_multipart()
            except zmq.error.ZMQError:
                return super().recv_from_client()  # type: ignore[no-any-return]  # Locust's own way out
            peer = printable(frames[0]) if frames else "?"
            try:
                return peer, parse(frames)
            except Exception as error:
                # Anything at all: the sender decides what msgpack meets.
                logger.debug("dropped a message from %s: %s", peer, error)
                self.on_garbage(peer)


def parse(frames: list[bytes]) -> Message:
    """A message of two frames, identity and msgpack. Raises whatever msgpack raises, or ValueError."""
    if len(frames) != 2:
        raise ValueError(f"{len(frames)} frames")
    message: Message = Message.unserialize(frames[1])
    if not isinstance(message.type, str) or not isinstance(message.node_id, str):
        raise ValueError("type and sender must be text")
    if message.node_id.encode() != frames[0]:
        raise ValueError("the sender is not who it says it is")
    return message


def printable(identity: bytes) -> str:
    """A sender's name for people."""
    try:
        text = identity.decode()
    except UnicodeDecodeError:
        text = identity.hex()
    if not text.isprintable():
        text = identity.hex()
    return text[:100]
