"""The application's frame: options that every command has, and errors in one line with exit code 3.

Click's own exit code for a wrong option is 2, which here says that a measurement is not valid.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gatebench.cli.errors import CliError
from gatebench.cli.view import Exit

# The root of every complaint about options and arguments; its own name is not public.
_USAGE_ERROR: type[BaseException] = typer.BadParameter.__mro__[2]


class Commands(TyperGroup):
    """Turns errors into one line on stderr and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except CliError as error:
            _complain(str(error))
            code = Exit.ERROR
        except typer.Abort:
            code = Exit.ERROR
        except _USAGE_ERROR as error:
            code = self._misused(error)
        except Exception as error:
            if os.environ.get("GATEBENCH_DEBUG"):
                raise
            _complain(f"unexpected {type(error).__name__}: {error}; GATEBENCH_DEBUG=1 shows where")
            code = Exit.ERROR
        sys.exit(code if isinstance(code, int) else 0)

    def _misused(self, error: BaseException) -> int:
        context = getattr(error, "ctx", None)
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if context is not None and type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(message, err=True)
        else:
            command = context.command_path if context is not None else "gatebench"
            _complain(f"{' '.join(message.split())} (see {command} --help)")
        return Exit.ERROR


def _complain(message: str) -> None:
    typer.echo(f"gatebench: {' '.join(message.split())}", err=True)


Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace; by default that of the context.", show_default=False),
]
Kubeconfig = Annotated[
    str | None,
    typer.Option(
        "--kubeconfig",
        envvar="KUBECONFIG",
        help="Path of the kubeconfig.",
        show_default=False,
        show_envvar=False,
    ),
]
Context = Annotated[str | None, typer.Option("--context", help="Context of the kubeconfig.", show_default=False)]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        help="Give up after this long, as 10m; the run goes on. By default: never.",
        show_default=False,
    ),
]
RunName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the run, or bcmp/NAME.", show_default=False)]


def seconds(text: str | None) -> float | None:
    """Seconds of a --timeout. Raises CliError that shows the form wanted."""
    from gatebench.api.quantities import duration_seconds

    if text is None:
        return None
    try:
        return duration_seconds(text)
    except ValueError as error:
        raise CliError(f"--timeout {error}") from error
