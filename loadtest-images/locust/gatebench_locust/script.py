"""Calls Locust's main with our arguments, and tells errors of a locustfile from everything else."""

# Locust is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import sys
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

import locust.main
from locust import argument_parser, log

from gatebench_locust.plan import Plan, PlanError
from gatebench_locust.settings import Settings

logger = logging.getLogger(__name__)

BUILTIN = pathlib.Path(__file__).with_name("builtin.py")


class ScriptError(Exception):
    """The user's locustfile cannot be run; the text is the traceback, or empty where the log has it."""


def forget_locust_settings(environment: MutableMapping[str, str]) -> None:
    """Locust takes its options from LOCUST_* and files too; the plan alone shall decide. A locustfile's stay."""
    parser = argument_parser.get_empty_argument_parser()
    argument_parser.setup_parser_arguments(parser)
    names = {getattr(action, "env_var", None) for action in parser._actions} | {"LOCUST_LOCUSTFILE"}
    for name in sorted(name for name in names if name):
        if environment.pop(name, None) is not None:
            logger.warning("%s is not used: the plan decides", name)
    # Nor from locust.conf or pyproject.toml, which may lie beside a locustfile.
    functions: Any = argument_parser
    functions.get_empty_argument_parser.__defaults__ = (True, ())
    functions.get_parser.__defaults__ = ((),)


def arguments(role: str, plan: Plan, settings: Settings) -> list[str]:
    """The command line that Locust sees."""
    out = ["locust", "-f", plan.locustfile or str(BUILTIN), "--skip-log-setup", "--host", plan.target]
    if role == "worker":
        master = ["--master-host", settings.master_host, "--master-port", str(settings.locust_port)]
        return [*out, "--worker", *master]
    return [
        *out,
        "--master",
        *("--master-bind-port", str(settings.locust_port)),
        *("--web-host", "127.0.0.1", "--web-port", str(settings.web_port)),
        *("--csv", csv_prefix(settings), "--exit-code-on-error", "0"),
    ]


def csv_prefix(settings: Settings) -> str:
    """Where Locust writes its history."""
    return str(pathlib.Path(settings.folder) / "locust")


def run(role: str, plan: Plan, settings: Settings) -> int:
    """Runs Locust to its end. Raises ScriptError."""
    started: list[bool] = []
    locust.events.init.add_listener(lambda **_: started.append(True))
    patched: Any = locust.main
    patched.load_locustfile = _loader(patched.load_locustfile)
    sys.argv = arguments(role, plan, settings)
    if plan.locustfile is not None:
        # As where `locust` is called beside its locustfile: neighbours are imported and opened by their names.
        folder = os.path.dirname(plan.locustfile)
        sys.path.insert(0, folder)
        with contextlib.suppress(OSError):
            os.chdir(folder)
    try:
        locust.main.main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        own = plan.locustfile is not None
        if code and own and (not started or log.unhandled_greenlet_exception):
            raise ScriptError from error
        return code
    return 0


def _loader(load: Callable[[str], Any]) -> Callable[[str], Any]:
    def checked(path: str) -> Any:
        try:
            users, shapes = load(path)
        except PlanError:
            raise
        except BaseException as error:
            raise ScriptError(_from_script(path, error)) from error
        if not users:
            raise ScriptError(f"{pathlib.Path(path).name}: there is no User class in it")
        if shapes:
            logger.warning("the LoadTestShape of the locustfile is not used: the plan's stages are the load's shape")
        return users, []

    return checked


def _from_script(path: str, error: BaseException) -> str:
    """The traceback from the locustfile's own first line on: what is above it is ours and Locust's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
