"""The rules of a run's life: (run, snapshot, settings) -> actions and a status. Pure, total, deterministic.

This room never talks to anything. What it must know is in the Snapshot, the time included; what it wants done
is in the actions that it returns.
"""
