"""The command line: `gatebench`, also installed as `kubectl-gatebench`.

It talks to the API server alone, as the user; it knows no rule of how a run is carried out and judges
nothing: what it prints stands in the run's status and in its result. `render`, `manifests`, `checks` and
`artifacts` are pure; `cluster` is the only room that talks to a cluster.
"""
