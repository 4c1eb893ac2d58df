"""The page of one result."""

from __future__ import annotations

from gatebench_analysis import overhead, quantities
from gatebench_analysis.document import Result
from gatebench_analysis.measured import Account
from gatebench_analysis.report import (
    against,
    assets,
    beside,
    bullets,
    distributions,
    headline,
    searches,
    spread,
    tables,
    timelines,
)


def page(result: Result) -> str:
    """One HTML file that needs nothing else."""
    account = Account(result.load)
    line = timelines.timeline(result)
    over_time = timelines.charts(line) if line is not None else []
    own = [chart for chart in over_time if chart.id in ("cpu", "memory")]
    shapes = [distributions.latency(result, account), distributions.streams(result, account)]
    spreads = [chart for chart in shapes if chart is not None]
    search = searches.chart(result)
    return assets.render(
        "run.html",
        title=result.run.name or "result",
        result=result,
        names=(result.run.namespace, result.run.name or "a run without a name"),
        facts=facts(result),
        head=headline.headline(result),
        tiles=headline.tiles(result),
        objectives=[bullets.objective(one) for one in result.objectives],
        load_charts=[chart for chart in over_time if chart not in own],
        gateway_charts=own,
        distributions=spreads,
        frontier=search,
        frontier_table=tables.frontier(result),
        baseline=against.against(result),
        repeats=spread.repeats(result),
        overhead=spread.overhead(result),
        upstream_ceiling=overhead.most(result.overhead),
        requests=tables.requests(result),
        stages=tables.stages(result),
        errors=tables.errors(result),
        gateway=tables.gateway(result),
        course=tables.course(result),
        beside=beside.published(result),
        environment=tables.environment(result),
        manifest=tables.manifest(result),
        data=[chart.data() for chart in (*over_time, *spreads, *([search] if search is not None else []))],
    )


def facts(result: Result) -> list[str]:
    """When, for how long, and on what: the line below the name."""
    load = result.load
    gateway = result.run.spec.get("gateway")
    image = gateway.get("image") or gateway.get("url") if isinstance(gateway, dict) else None
    window = f"{quantities.seconds(result.window_seconds)} measured" if result.window_seconds is not None else ""
    engine = f"{load.engine} with {len(load.workers)} workers" if load.engine and load.workers else load.engine or ""
    node = str(result.environment.get("node") or "")
    found = [headline.moment(result.started_at), str(image or ""), window, engine, node]
    return [part for part in found if part]
