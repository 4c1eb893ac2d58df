"""The API group gatebench.dev/v1alpha1 as types.

This room knows the words of the API and nothing else: no client, no rule of how a run is carried out.
The CustomResourceDefinition and the reference page are generated from these types.
"""

GROUP = "gatebench.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "BenchmarkRun"
PLURAL = "benchmarkruns"
COMPARISON_KIND = "BenchmarkComparison"
COMPARISON_PLURAL = "benchmarkcomparisons"
RESULT_KEY = "result.json.gz"
"""Of a ConfigMap that keeps a result document."""
NOTE_KEY = "missing.txt"
"""Of the one that keeps Locust's reports: what of them is not there."""
