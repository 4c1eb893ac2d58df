"""How much is sent to the gateway, by what, and from where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatebench.api.fields import Bound, Model, StringMap, duration, rule, rules
from gatebench.api.gateway import Image
from gatebench.api.pods import EnvFromList, EnvList, PullSecretList, Resources, TolerationList

Rate = Annotated[float, Field(ge=0.1, le=1_000_000)]
SPAWN_RATE = 50
MAX_IN_FLIGHT = 1000
SEED = 1


class ThinkTime(Model):
    """Pause of a user between an answer and its next request, uniform between min and max."""

    model_config = {
        "json_schema_extra": rules(
            rule("duration(self.min) <= duration(self.max)", "min must not be above max"),
        )
    }

    min: duration("0s", "1h")  # type: ignore[valid-type]
    """Shortest pause; 0s with max 0s: none."""
    max: duration("0s", "1h")  # type: ignore[valid-type]
    """Longest pause."""


class Stage(Model):
    """A segment of the load curve."""

    model_config = {
        "json_schema_extra": rules(
            rule("!(self.ramp && self.spike)", "a stage is a ramp or a spike, not both"),
        )
    }

    name: Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None = None
    """Its name in results; objectives may name it. By default stage-1, stage-2, …"""
    duration: duration("1s", "168h")  # type: ignore[valid-type]
    """How long it lasts."""
    users: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Model Closed: users at its end (and throughout, unless it is a ramp)."""
    rate: Rate | None = None
    """Model Open: arrivals per second of the whole fleet at its end (and throughout, unless it is a ramp)."""
    ramp: bool = False
    """Users or rate go linearly from the previous stage's to this one's. Ramps are no part of the top-level metrics."""
    spike: bool = False
    """A burst: like a ramp it is no part of the top-level metrics; objectives may name it."""


class Capacity(Model):
    """How model Capacity looks for the highest rate at which the objectives hold: it doubles the rate until a step
    fails, halves the interval, and confirms the rate that it found. A step holds where the answers keep up with the
    arrivals, none is dropped, and no failAbove on errorRatio, latency, ttft or interToken is broken. All other bounds
    are judged at the end, at the rate found."""

    model_config = {
        "json_schema_extra": rules(
            rule("self.startRate <= self.maxRate", "startRate must not be above maxRate"),
            rule(
                "duration(self.settle) + duration(self.step) <= duration(self.budget)",
                "budget must have room for at least one step with its settle",
            ),
        )
    }

    start_rate: Rate = 50.0
    """Arrivals per second of the first step, such as surely hold."""
    max_rate: Rate = 100_000.0
    """Arrivals per second that are not exceeded."""
    step: duration("1s", "1h") = 30.0  # type: ignore[valid-type]
    """How long each rate is measured. A percentile needs ten requests above it: p99 a thousand in a step. Rates that
    have fewer cannot be judged, and are passed over."""
    settle: duration("1s", "1h") = 5.0  # type: ignore[valid-type]
    """Load at a step's rate before it is measured."""
    tolerance: Bound = "5%"
    """The search is fine enough when the highest rate that held is within this share of the lowest that failed."""
    max_steps: Annotated[int, Field(ge=3, le=200)] = 40
    """Most steps, confirmations included."""
    budget: duration("10s", "24h") = 1800.0  # type: ignore[valid-type]
    """Most time for the whole search, after the warm-up."""


class Load(Model):
    """How much is sent, from where."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "self.engine == 'Go' || self.model == 'Closed'",
                "models Open and Capacity need engine: Go. Locust's users wait for an answer before they send again, so"
                " they cannot keep a rate",
            ),
            rule(
                "self.model == 'Capacity' ? !has(self.stages) : has(self.stages)",
                "models Closed and Open need stages; model Capacity finds its rates itself, as load.capacity says",
            ),
            rule(
                "!has(self.stages) || self.stages.all(s, self.model == 'Open' ? has(s.rate) && !has(s.users) :"
                " has(s.users) && !has(s.rate))",
                "stages have users with model Closed, and a rate with model Open",
            ),
            rule(
                "!has(self.stages) || self.stages.exists(s, !s.ramp && !s.spike)",
                "at least one stage must be neither a ramp nor a spike: only these are measured",
            ),
            rule(
                "!has(self.stages) || self.stages.all(s, !has(s.name) || self.stages.exists_one(o, has(o.name)"
                " && o.name == s.name))",
                "names of stages must differ",
            ),
            rule("self.model == 'Capacity' || !has(self.capacity)", "capacity is for model Capacity"),
            rule(
                "self.model != 'Closed' || !(has(self.arrivals) || has(self.maxInFlight))",
                "arrivals and maxInFlight are for models Open and Capacity: users of closed load wait for answers",
            ),
            rule(
                "self.model == 'Closed' || !(has(self.thinkTime) || has(self.spawnRate))",
                "thinkTime and spawnRate are for model Closed: open load has no users",
            ),
            rule(
                "!has(self.maxInFlight) || self.maxInFlight >= self.workers",
                "maxInFlight is shared by the workers: it must be at least their number",
            ),
            rule("self.engine == 'Go' || !has(self.seed)", "seed is for engine Go"),
            rule(
                "self.engine != 'Go' || !(has(self.image) || has(self.envFrom))",
                "image and envFrom are for engine Locust: they serve locustfiles, which engine Go does not run",
            ),
        )
    }

    engine: Literal["Locust", "Go"] = "Locust"
    """What generates the load. Locust: Python workers, which run scenarios and locustfiles too. Go: workers for
    declared requests, many times as fast, and the only ones that can keep a rate. With both the master is Locust's."""
    model: Literal["Closed", "Open", "Capacity"] = "Closed"
    """Closed: a number of users, each with at most one request in flight and a think time. Open: arrivals per second,
    whether or not earlier ones were answered; latency counts from the intended start. Capacity: open load that looks
    for the highest rate at which the objectives hold."""
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    """Worker processes, one pod each. All must be there before the load starts."""
    spawn_rate: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Users started per second, over all workers (model Closed). By default 50."""
    think_time: ThinkTime | None = None
    """Pause between an answer and the next request (model Closed). By default that of the scenario (0.5 to 1 s)."""
    arrivals: Literal["Poisson", "Constant"] | None = None
    """How arrivals follow each other (models Open and Capacity). Poisson, the default: at random, as those of people
    who do not know of each other. Constant: evenly."""
    max_in_flight: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Most requests in flight, over all workers (models Open and Capacity). An arrival that finds as many is dropped
    and counted. By default 1,000."""
    seed: Annotated[int, Field(ge=0, le=2_147_483_647)] | None = None
    """What Poisson arrivals, think times, the choice of requests and the order of a shuffled dataset follow from
    (engine Go). By default 1."""
    warm_up: duration("0s", "24h") = 30.0  # type: ignore[valid-type]
    """Load before the first stage, with its users or at its rate (model Capacity: at startRate), not measured."""
    stages: Annotated[list[Stage], Field(min_length=1, max_length=64)] | None = None
    """Segments of the load curve, one after the other (models Closed and Open)."""
    capacity: Capacity | None = None
    """How model Capacity searches; by default with the defaults of its fields."""
    worker_resources: Resources | None = None
    """CPU and memory of a worker: requests and limits. By default the operator's setting, without a CPU limit."""
    image: Image | None = None
    """Locust image of your own, with the packages that your locustfile imports; built on gatebench's."""
    env: EnvList | None = None
    """Environment variables of the fleet: for a locustfile, and for {{env NAME}} in bodies."""
    env_from: EnvFromList | None = None
    """ConfigMaps and Secrets as environment variables of the fleet, for a locustfile."""
    node_selector: StringMap | None = None
    """Labels that the fleet's nodes must have."""
    tolerations: TolerationList | None = None
    """Taints that the fleet tolerates."""
    image_pull_secrets: PullSecretList | None = None
    """Secrets with registry credentials for the fleet's image."""
    annotations: StringMap | None = None
    """Annotations of the fleet's pods."""

    @property
    def is_open(self) -> bool:
        """Whether arrivals follow a rate, and no users."""
        return self.model != "Closed"

    @property
    def search(self) -> Capacity:
        """How the capacity is looked for, with the defaults where nothing is given."""
        return self.capacity or Capacity()
