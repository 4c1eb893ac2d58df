"""The operator's own namespace is deleted under load: runs stay, can be deleted, and take their children along.

It is the last test by its name: after it there is no operator.
"""

from __future__ import annotations

import pytest

from cluster import lab as labs
from cluster.conftest import make_run
from cluster.lab import Lab
from cluster.test_faults_load import LONG


@pytest.mark.measures
@pytest.mark.fault(30)
def test_runs_can_be_deleted_when_the_operator_is_gone(lab: Lab) -> None:
    lab.apply(make_run(**LONG))
    lab.until_step("run", "Measuring")
    uid = lab.run("run")["metadata"]["uid"]
    assert "finalizers" not in lab.run("run")["metadata"]
    lab.kubectl("delete", "namespace", labs.OPERATOR_NAMESPACE, "--timeout=90s")
    assert lab.run("run")["status"]["step"] == "Measuring"
    lab.kubectl("delete", "brun", "run", "--timeout=30s")
    lab.until("no children", lambda: lab.gone(uid), 60)
