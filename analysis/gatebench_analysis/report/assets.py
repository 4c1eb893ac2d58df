"""What every page is made with: templates that escape, the chart library, and a policy that forbids the network.

Scripts and styles are allowed by their hashes alone. Data is embedded so that no text in it can end its element.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
import json
from typing import Any

import jinja2
import markupsafe

_HERE = importlib.resources.files("gatebench_analysis.report")
# Ends of elements, comments and lines of scripts: as escapes of JSON they are none.
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render(template: str, **given: Any) -> str:
    """The page of a template. All values in it are escaped. Raises jinja2.UndefinedError for one that is not given."""
    scripts = {"library": _raw("vendor/uPlot.iife.min.js"), "charts": _raw("templates/charts.js")}
    styles = {"library": _raw("vendor/uPlot.min.css"), "page": _raw("templates/page.css")}
    return (
        _environment()
        .get_template(template)
        .render(
            scripts=scripts,
            styles=styles,
            licence=_raw("vendor/uPlot.LICENSE"),
            policy=_policy([*scripts.values()], [*styles.values()]),
            **given,
        )
    )


def embedded(data: object) -> markupsafe.Markup:
    """JSON as the content of a script element of type application/json."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return markupsafe.Markup(text)  # noqa: S704 - escaped as JSON, just above


def _policy(scripts: list[str], styles: list[str]) -> str:
    """The content security policy: nothing is fetched, and only these scripts and styles count."""
    allowed = {"script-src": scripts, "style-src": styles}
    hashes = {name: " ".join(f"'sha256-{_hash(one)}'" for one in texts) for name, texts in allowed.items()}
    parts = ["default-src 'none'", *(f"{name} {value}" for name, value in hashes.items())]
    return "; ".join([*parts, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def _raw(path: str) -> markupsafe.Markup:
    """A file of ours, which is not escaped. It must not end its own element."""
    text = _HERE.joinpath(path).read_text(encoding="utf-8")
    if "</script" in text.lower() or "</style" in text.lower():
        raise ValueError(f"{path} would end the element that it stands in")
    return markupsafe.Markup(text)  # noqa: S704 - a file of this package


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _HERE.joinpath("templates", name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embedded"] = embedded
    return environment
