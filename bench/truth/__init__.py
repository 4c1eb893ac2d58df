"""Whether the judgements of the analysis hold where the truth is known: `python -m bench.truth.table`."""
