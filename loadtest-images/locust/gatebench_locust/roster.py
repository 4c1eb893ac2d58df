"""Who belongs to the fleet: workers that have proven it, when they were last heard of, and everybody else by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

MAX_FOREIGN = 100
OTHERS = "(more)"


@dataclasses.dataclass
class Member:
    """A worker of this run. Times are monotonic seconds of the master."""

    id: str
    host: str
    kind: str
    heard: float
    engine: str = ""
    pod: str = ""
    """UID of its pod. The pod that takes a deleted one's place has the same name."""
    joined: bool = False
    lost: bool = False
    final: bool = False
    why: str = ""
    cpu_ratio: float | None = None
    acknowledged: int = 0
    handed: bool = False  # it has taken the next plan


class Roster:
    """The workers and the strangers. Once it is `closed`, nobody is taken any more."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.foreign: dict[str, int] = {}
        self.garbage = 0
        self.closed = False

    def prove(self, member_id: str, host: str, kind: str, now: float, engine: str = "", pod: str = "") -> Member:
        """A worker has shown a right proof."""
        member = self.members.get(member_id)
        if member is None:
            member = self.members[member_id] = Member(member_id, host[:100], kind[:20], now, engine[:50], pod[:50])
        member.heard = now
        return member

    def stranger(self, peer: str) -> bool:
        """Somebody who is no worker of this run, or comes too late; True the first time."""
        key = peer[:100]
        if key not in self.foreign and len(self.foreign) >= MAX_FOREIGN:
            key = OTHERS
        self.foreign[key] = self.foreign.get(key, 0) + 1
        return self.foreign[key] == 1

    def junk(self, peer: str) -> None:
        """A message that could not be read."""
        self.garbage += 1

    @property
    def joined(self) -> list[Member]:
        """The workers that are here."""
        return [member for member in self.members.values() if member.joined and not member.lost]

    @property
    def lost(self) -> list[Member]:
        """The workers that were here."""
        return [member for member in self.members.values() if member.lost]

    def silent(self, limit: float, now: float) -> Iterable[Member]:
        """Workers that have not been heard of for longer than `limit` seconds."""
        return [member for member in self.joined if now - member.heard > limit]
