"""The operator of gatebench: it benchmarks an LLM gateway and writes the verdict into the run's status."""

__version__ = "0.1.0"
