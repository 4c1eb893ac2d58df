"""The load fleet of gatebench: a Locust master and its Python workers.

It knows no Kubernetes and nothing of the operator: it is told what to do by plan.json and the master's HTTP API,
and hands back one document, the load document.
"""
