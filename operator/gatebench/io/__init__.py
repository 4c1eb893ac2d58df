"""The only impure room: the API server, the fleet, the probe and Prometheus.

It reads a run's world into a Snapshot and carries out Actions. It decides nothing: what is wrong is a fact of
the Snapshot, a Denial, or a documented result; no exception of this room crosses into another.
"""
