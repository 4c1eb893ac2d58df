"""Results as pages of HTML that open anywhere: one file, no network, charts included. Needs Jinja2.

`page` is that of one result, `comparison` that of two, `variants` that of a BenchmarkComparison. All return the text of
a file, well below 2 MB.
"""

from gatebench_analysis.report.comparison import comparison
from gatebench_analysis.report.page import page
from gatebench_analysis.report.variants import variants

__all__ = ["comparison", "page", "variants"]
