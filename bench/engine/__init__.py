"""How fast and how exact the Go engine is, beside wrk, hey, vegeta and Locust: `python -m bench.engine --help`."""
