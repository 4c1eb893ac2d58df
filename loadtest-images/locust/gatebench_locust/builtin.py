"""The locustfile of the built-in workloads: Locust loads it by its path and finds the user class in it."""

from gatebench_locust import context, users

GatebenchUser = users.make(context.plan, context.recorder, context.node)
