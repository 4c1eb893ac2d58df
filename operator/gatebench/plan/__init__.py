"""From a run to the objects that it needs: pure, deterministic, one file a child.

This room reads a spec and the settings and writes manifests; it knows no client and no state of a cluster.
"""
