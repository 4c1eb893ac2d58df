"""After a step of a search that did not hold: whether the gateway answers again as it did at the last one that held.

The next step settles for as long as it does not, within a bound: what a step too many has done to the gateway must not
be taken for what the next rate does to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatebench_locust.histogram import Histogram, quantiles
from gatebench_locust.objectives import TAIL_SAMPLES

if TYPE_CHECKING:
    from gatebench_locust.conductor import Conductor
    from gatebench_locust.plan import Capacity

LONGEST_SECONDS = 10.0
SHARE, SECONDS = 0.25, 0.001  # a median that is longer by no more than so much of it, and so many seconds, is back
_ENOUGH = 2 * TAIL_SAMPLES  # answers, for a median

_Counts = dict[int, int]


def longest(wanted: Capacity, left: float) -> float:
    """For how many seconds a settling may go on, where the search has so many left beside the step itself."""
    return max(0.0, min(LONGEST_SECONDS, wanted.step, left))


class Recovery:
    """Looks at a phase that is under way. `usual` is the median latency of the last step that held, in seconds."""

    def __init__(self, conductor: Conductor, phase: int, usual: float) -> None:
        self._conductor, self._phase, self._usual = conductor, phase, usual
        self._second, self._back = 0, False
        self._seen: list[tuple[_Counts, _Counts]] = [({}, {})]  # up to each complete second, of the two kinds

    def back(self) -> bool:
        """Whether the latest complete seconds, as many as make a median, were as usual. To be called all the time."""
        workers = self._conductor.collector.workers
        second = min(workers[m.id].second if m.id in workers else 0 for m in self._conductor.roster.joined)
        if second > self._second:
            self._second = second
            self._seen.append(self._answers())
            median = self._median()
            self._back = median is not None and median <= self._usual * (1 + SHARE) + SECONDS
        return self._back

    def _answers(self) -> tuple[_Counts, _Counts]:
        """Good answers of the phase so far, by latency: without streams, and streams."""
        plain, streams = Histogram(), Histogram()
        for (phase, _, _, _, good, stream), row in self._conductor.collector.rows.items():
            if phase == self._phase and good:
                (streams if stream else plain).add(row.latency)
        return plain.counts, streams.counts

    def _median(self) -> float | None:
        for before in reversed(self._seen[:-1]):
            kinds = [_since(counts, earlier) for counts, earlier in zip(self._seen[-1], before, strict=True)]
            for counts in kinds:
                if sum(counts.values()) >= _ENOUGH:
                    return quantiles(counts, (0.5,))[0]
            if not any(kinds):
                return None  # nothing is answered at all, however it was before
        return None


def _since(counts: _Counts, earlier: _Counts) -> _Counts:
    return {index: count - earlier.get(index, 0) for index, count in counts.items() if count > earlier.get(index, 0)}
