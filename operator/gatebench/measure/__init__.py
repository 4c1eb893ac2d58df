"""What Prometheus is asked about a run, and what its answers mean.

Pure: queries are built and answers are parsed here, and nobody is asked. A figure that is not known is
missing, with the reason; it is never 0.
"""
