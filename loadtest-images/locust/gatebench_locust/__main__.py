"""`python -m gatebench_locust master|worker`: registers our parts with Locust and calls its main."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import os

os.environ.pop("LOCUST_SKIP_MONKEY_PATCH", None)  # whatever a run's own environment says

import locust  # before all else: it makes the standard library cooperative

# isort: split
import argparse
import contextlib
import logging
import sys

from gatebench_locust import leadership, logs, masking, script, serving
from gatebench_locust.again import Successor
from gatebench_locust.plan import PlanError, read
from gatebench_locust.settings import Settings

logger = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Runs one role to its end; the exit code of the process."""
    parser = argparse.ArgumentParser("gatebench-locust", description="A part of gatebench's load fleet.")
    parser.add_argument("role", choices=("master", "worker"))
    role = parser.parse_args(argv).role
    settings = Settings.from_environment(os.environ)
    successor = Successor(dict(os.environ), os.getcwd(), settings.folder)
    try:
        plan = read(settings.plan)
    except PlanError as error:
        print(f"the plan cannot be used: {error}", file=sys.stderr)
        return 2
    mask = masking.Masker({*plan.masked_env, "GATEBENCH_TOKEN"}, os.environ)
    last_error = logs.set_up(mask)
    logger.info("gatebench %s of %s, Locust %s", role, plan.run, locust.__version__)
    if not settings.token:
        logger.error("GATEBENCH_TOKEN is not set")
        return 2
    os.environ.pop("GATEBENCH_TOKEN", None)  # a locustfile has no use for it
    script.forget_locust_settings(os.environ)
    try:
        prepare = leadership.prepare if role == "master" else serving.prepare
        prepare(plan, settings, mask, successor)
        return script.run(role, plan, settings)
    except script.ScriptError as error:
        text = str(error) or last_error.text
        if plan.locustfile is None:
            logger.error("the built-in workload cannot be run\n%s", text)
            return 1
    except PlanError as error:
        logger.error("the plan cannot be used: %s", error)
        return 2
    logger.error("the locustfile cannot be run\n%s", text)
    logs.last_words(settings.termination_log, logs.SCRIPT_INVALID, text, mask)
    return logs.SCRIPT_EXIT


def command() -> None:
    """The entry point. Leaves without the interpreter's clean-up: sockets to a peer that is gone would hold it."""
    code = main()
    logging.shutdown()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    command()
