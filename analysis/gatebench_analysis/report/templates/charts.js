// Draws the charts of the page from the data that it carries, with uPlot; and copies the YAML.
(() => {
  "use strict";
  // Okabe and Ito's colours; on dark ground the lighter of them first.
  const THEMES = {
    light: {
      colours: ["#0072b2", "#d55e00", "#009e73", "#b0578d", "#a87400", "#3d8fc4", "#333333"],
      text: "#59636e", grid: "#e8ecf0", shade: "#59636e1f", edge: "#59636e66", limit: "#b54200",
    },
    dark: {
      colours: ["#56b4e9", "#e69f00", "#2fc79a", "#dd92b8", "#f0e442", "#ff8a4c", "#dddddd"],
      text: "#a0a9b3", grid: "#262c33", shade: "#a0a9b326", edge: "#a0a9b366", limit: "#ff9a5c",
    },
  };
  const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
  const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400];
  const POWERS = Array.from({ length: 50 }, (_, index) => 2 ** index);
  const NAMES = { time: "after", quantile: "percentile", rate: "rate" };
  const PRINTED_WIDTH = 660;
  const NOTHING = "–";

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paper = matchMedia("print");
  const data = JSON.parse(document.getElementById("data").textContent);
  const font = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
  let printing = paper.matches;
  let drawn = [];

  const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const digits = (value) => {
    const size = Math.abs(value);
    if (size >= 99.95 || Number.isInteger(value)) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
    if (size > 0 && size < 0.01) return String(Number(value.toPrecision(2)));
    return trimmed(size >= 9.995 ? value.toFixed(1) : value.toFixed(2));
  };
  const bytes = (value) => {
    let unit = "B";
    for (const next of ["KiB", "MiB", "GiB"]) {
      if (Math.abs(value) < 1000) break;
      value /= 1024;
      unit = next;
    }
    return `${digits(value)} ${unit}`;
  };
  const seconds = (value) => {
    const size = Math.abs(value);
    if (size > 0 && size < 0.9995e-3) return `${Math.round(value * 1e6)} µs`;
    if (size > 0 && size < 0.9995) return `${digits(value * 1000)} ms`;
    return size < 600 ? `${digits(value)} s` : `${digits(value / 60)} min`;
  };
  const FORMATS = {
    s: seconds, bytes,
    "1/s": (value) => `${digits(value)}/s`,
    cores: (value) => digits(value),
    ratio: (value) => `${digits(value * 100)} %`,
  };
  const format = (unit, value) => (value == null ? NOTHING : (FORMATS[unit] || digits)(value));
  const clock = (value) => {
    const whole = Math.round(value), hours = Math.floor(whole / 3600);
    const two = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor((whole % 3600) / 60);
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };
  const percentile = (nines) => {
    const share = 100 * (1 - 10 ** -nines);
    return `p${trimmed(share.toFixed(Math.max(0, Math.round(nines) - 1)))}`;
  };
  const place = (axis, value) =>
    value == null ? NOTHING : axis === "time" ? clock(value) : axis === "quantile" ? percentile(value) : format("1/s", value);

  // 1, 2 and 5 of every decade.
  const steps = (min, max) => {
    const found = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) {
      for (const digit of [1, 2, 5]) {
        const value = Number(`${digit}e${power}`);
        if (value >= min * 0.999 && value <= max * 1.001) found.push(value);
      }
    }
    return found;
  };
  const around = (min, max) => {
    const found = steps(min / 10, max * 10);
    return [found.filter((value) => value <= min).pop(), found.find((value) => value >= max)];
  };

  const yScale = (chart) => {
    const levels = chart.lines.map((line) => line.y).filter((level) => level != null);
    if (chart.log) {
      return { distr: 3, range: (_, min, max) => (min > 0 && max > 0 ? around(min, max) : [0.001, 1]) };
    }
    return { range: (_, min, max) => [0, (Math.max(max || 0, ...levels) || 1) * 1.08] };
  };

  const yAxis = (chart, theme, narrow) => ({
    stroke: theme.text, font, gap: 6, ticks: { show: false }, grid: { stroke: theme.grid, width: 1 },
    size: (u, values) => {
      if (!values) return 50;
      u.ctx.font = font; // css pixels are wanted, and the text is measured without the ratio
      const widest = Math.max(0, ...values.map((text) => u.ctx.measureText(text || "").width));
      return Math.max(Math.ceil(widest) + 12, chart.axis === "time" ? (narrow ? 56 : 66) : 0); // aligned below each other
    },
    values: (_, splits) => splits.map((value) => (value == null ? "" : format(chart.unit, value))),
    ...(chart.unit === "bytes" ? { incrs: POWERS } : {}),
    ...(chart.log ? { splits: (u, _, min, max) => thinned(steps(min, max), u.height), filter: (_, splits) => splits } : {}),
  });
  // Every label needs room.
  const thinned = (values, height) => (values.length * 22 > height ? values.filter((v) => /^1/.test(v.toExponential())) : values);

  const xAxis = (chart, theme, width) => {
    const axis = {
      stroke: theme.text, font, gap: 3, size: 26, space: 64,
      grid: { show: chart.axis !== "time", stroke: theme.grid, width: 1 }, ticks: { stroke: theme.grid, size: 4, width: 1 },
      values: (_, splits) => splits.map((value) => place(chart.axis, value)),
    };
    if (chart.axis === "time") axis.incrs = TIMES;
    if (chart.axis === "quantile") {
      const most = chart.x[chart.x.length - 1];
      const decade = width / most;
      const nines = [0, ...(decade > 90 ? [Math.log10(2)] : []), 1, ...(decade > 130 ? [Math.log10(20)] : [])];
      for (let next = 2; next <= most; next++) nines.push(next);
      axis.splits = () => nines.filter((value) => value <= most);
      axis.filter = (_, splits) => splits;
    }
    return axis;
  };

  const series = (chart, theme) =>
    chart.curves.map((curve) => {
      const colour = theme.colours[curve.style % theme.colours.length];
      return {
        label: curve.label,
        stroke: curve.quiet ? `${colour}73` : colour,
        width: curve.quiet ? 0 : 1.75, // of a range the surface is enough
        dash: curve.quiet || chart.curves.length === 1 ? [] : DASHES[curve.style % DASHES.length],
        points: { show: curve.points, size: 6, fill: colour },
        spanGaps: chart.axis !== "time",
        value: (_, value) => format(chart.unit, value),
      };
    });

  const marker = (chart, index) => {
    const dashes = series(chart, THEMES.light)[index - 1]?.dash || [];
    return dashes.length === 0 ? "solid" : dashes[0] === 2 ? "dotted" : "dashed";
  };

  // Shades what is not measured, and writes the names above.
  const drawBands = (chart, theme) => (u) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio || 1;
    const inside = (x) => Math.min(Math.max(u.valToPos(x, "x", true), bbox.left), bbox.left + bbox.width);
    ctx.save();
    ctx.font = font.replace("12px", `${11.5 * ratio}px`);
    ctx.textBaseline = "alphabetic";
    for (const band of chart.bands) {
      const [from, to] = [inside(band.start), inside(band.end)];
      if (to - from < 0.5) continue;
      if (!band.counted) {
        ctx.fillStyle = theme.shade;
        ctx.fillRect(from, bbox.top, to - from, bbox.height);
      }
      ctx.fillStyle = theme.edge;
      ctx.fillRect(from, bbox.top, ratio, bbox.height);
      if (!chart.namedBands) continue;
      const fits = [band.label, band.label.split(" · ")[0]].find((text) => text && ctx.measureText(text).width < to - from - 6 * ratio);
      ctx.fillStyle = theme.text;
      if (fits) ctx.fillText(fits, from + 3 * ratio, bbox.top - 6 * ratio);
    }
    ctx.restore();
  };

  const drawLines = (chart, theme) => (u) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = theme.limit;
    ctx.lineWidth = 1.5 * ratio;
    ctx.setLineDash([8 * ratio, 4 * ratio]);
    ctx.font = font.replace("12px", `${11.5 * ratio}px`);
    for (const line of chart.lines) {
      ctx.beginPath();
      if (line.y != null) {
        const y = u.valToPos(line.y, "y", true);
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.textAlign = "right";
        ctx.fillText(`${line.label} ${format(chart.unit, line.y)}`, bbox.left + bbox.width - 4 * ratio, y + 14 * ratio);
      } else {
        const x = u.valToPos(line.x, "x", true);
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.textAlign = "right";
        ctx.fillText(line.label, x - 5 * ratio, bbox.top + 14 * ratio);
      }
      ctx.stroke();
    }
    ctx.restore();
  };

  const draw = (chart) => {
    const holder = document.getElementById(`plot-${chart.id}`);
    const theme = printing || !dark.matches ? THEMES.light : THEMES.dark;
    const width = printing ? Math.min(PRINTED_WIDTH, holder.clientWidth || PRINTED_WIDTH) : holder.clientWidth;
    const narrow = width < 480;
    const bands = chart.curves.flatMap((curve, index) =>
      curve.band == null ? [] : [{ series: [index + 1, curve.band + 1], fill: `${theme.colours[curve.style]}2e` }]);
    const options = {
      width, height: narrow ? 200 : chart.axis === "time" ? 220 : 280, legend: { live: true, markers: { dash: (_, index) => marker(chart, index) } },
      padding: [chart.namedBands ? 22 : 10, narrow ? 14 : 22, 0, 0],
      cursor: { sync: chart.group ? { key: chart.group } : undefined, drag: { x: chart.axis === "time", y: false }, points: { size: 7 } },
      scales: {
        x: { time: false, range: (_, min, max) => (min === max ? [min - 1, max + 1] : [chart.axis === "quantile" ? 0 : min, max]) },
        y: yScale(chart),
      },
      series: [{ label: NAMES[chart.axis], value: (_, value) => place(chart.axis, value) }, ...series(chart, theme)],
      axes: [xAxis(chart, theme, width), yAxis(chart, theme, narrow)],
      bands,
      hooks: { drawClear: [drawBands(chart, theme)], draw: [drawLines(chart, theme)] },
    };
    return { holder, plot: new uPlot(options, [chart.x, ...chart.curves.map((curve) => curve.values)], holder) };
  };

  const redraw = () => {
    for (const { plot } of drawn) plot.destroy();
    drawn = data.filter((chart) => chart.curves.length).map(draw);
  };
  const print = (on) => {
    if (printing === on) return;
    printing = on;
    redraw();
  };

  redraw();
  dark.addEventListener("change", redraw);
  paper.addEventListener("change", (event) => print(event.matches));
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  let width = document.documentElement.clientWidth;
  new ResizeObserver(() => {
    const now = document.documentElement.clientWidth;
    if (now === width || printing) return;
    width = now;
    redraw();
  }).observe(document.documentElement);

  for (const button of document.querySelectorAll("button[data-copies]")) {
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copies);
      const said = button.textContent;
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source); // without the right to copy: marked, to be copied by hand
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = said), 1500);
    });
  }
})();
