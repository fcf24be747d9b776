// The plots of the bench's page, drawn with ECharts from the report that stands in the page.
//
// Every plot takes its colours from the page's own style, so it follows light and dark; it is drawn
// anew when the reader's preference changes. Strata is the one drawn strongest.
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { memoryHeight, memoryOption } from "./memory_plot.js";

echarts.use([BarChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent,
  TooltipComponent, CanvasRenderer]);

const report = JSON.parse(document.getElementById("report").textContent);
const shown = report.allocators.filter((a) => a.role !== "twin").map((a) => a.name);
const charts = new Map();

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
function colour(name) {
  return name === "strata" ? style("--strata") : style(`--peer-${shown.indexOf(name) % 12}`);
}
// Many peers: beyond colour, their dots differ in form.
function form(name) {
  return name === "strata" ? "diamond" : ["circle", "rect", "triangle"][shown.indexOf(name) % 3];
}

// What all plots share: text, lines and tooltips in the page's colours.
function base() {
  const text = style("--text"), faint = style("--faint"), grid = style("--grid");
  return {
    textStyle: { color: text, fontFamily: style("--font") },
    animation: false,
    legend: { textStyle: { color: text }, top: 0, type: "scroll", itemGap: 14, pageTextStyle: { color: text }, pageIconColor: text },
    tooltip: {
      backgroundColor: style("--card"), borderColor: grid, textStyle: { color: text }, confine: true,
    },
    axis: (extra) => ({
      axisLine: { lineStyle: { color: faint } }, axisTick: { lineStyle: { color: faint } },
      axisLabel: { color: faint }, nameTextStyle: { color: faint },
      splitLine: { lineStyle: { color: grid } }, ...extra,
    }),
  };
}

function draw(id, option) {
  const element = document.getElementById(id);
  if (!element) return;
  if (!charts.has(id)) charts.set(id, echarts.init(element));
  charts.get(id).resize();
  charts.get(id).setOption(option, true);
}

// One row per line, one dot per allocator, at its ratio to the best peer; 1 is the best peer.
function ratioPlot(id, metric) {
  const element = document.getElementById(id);
  if (!element) return;
  const lines = report.lines.filter((line) => Object.keys(line.ratio[metric]).length > 0);
  element.style.height = `${lines.length * 22 + 90}px`;
  const look = base();
  const names = lines.map((line) => line.name).reverse();
  const least = Math.min(0.9, ...lines.flatMap((line) => Object.values(line.ratio[metric])));
  const dots = (name) => lines.filter((line) => line.ratio[metric][name])
    .map((line) => ({ value: [Math.min(line.ratio[metric][name], 6), line.name], ratio: line.ratio[metric][name] }));
  draw(id, {
    ...look,
    grid: { left: 8, right: 24, top: 40, bottom: 30, containLabel: true },
    xAxis: look.axis({
      type: "log", logBase: 2, min: Math.max(0.25, Math.floor(least * 10) / 10), max: 6, name: "ratio to the best peer",
      nameLocation: "middle", nameGap: 24,
      axisLabel: { color: style("--faint"), hideOverlap: true, formatter: (v) => (v >= 6 ? "6 or more" : Number(v.toFixed(2))) },
    }),
    yAxis: look.axis({ type: "category", data: names, axisLabel: { color: style("--text") } }),
    tooltip: { ...look.tooltip, formatter: (p) => `${p.value[1]}<br>${p.seriesName}: <b>${p.data.ratio.toFixed(2)}</b>` },
    series: shown.slice().reverse().map((name) => ({
      name, type: "scatter", data: dots(name), symbol: form(name),
      symbolSize: name === "strata" ? 15 : 9, z: name === "strata" ? 5 : 2,
      itemStyle: { color: colour(name), opacity: name === "strata" ? 1 : 0.75 },
      markLine: name !== "strata" ? undefined : {
        silent: true, symbol: "none", label: { show: false },
        data: [{ xAxis: 1, lineStyle: { color: style("--text"), type: "solid" } },
          { xAxis: 1.05, lineStyle: { color: style("--loss"), type: "dashed" } }],
      },
    })),
    legend: { ...look.legend, data: shown },
  });
}

function curvePlot() {
  const select = document.getElementById("curve-line");
  if (!select) return;
  const line = report.lines.find((candidate) => candidate.name === select.value);
  const look = base();
  draw("curve", {
    ...look,
    grid: { left: 8, right: 24, top: 56, bottom: 36, containLabel: true },
    xAxis: look.axis({ type: "value", name: "seconds", nameLocation: "middle", nameGap: 24 }),
    yAxis: look.axis({ type: "value", name: "MB resident", nameTextStyle: { color: style("--faint"), align: "left" }, min: 0 }),
    tooltip: { ...look.tooltip, trigger: "axis", valueFormatter: (v) => `${v.toFixed(1)} MB` },
    legend: { ...look.legend, data: shown },
    series: shown.filter((name) => line.cells[name]?.curve?.length).map((name) => ({
      name, type: "line", showSymbol: false, z: name === "strata" ? 5 : 2,
      lineStyle: { width: name === "strata" ? 3 : 1.5, color: colour(name) }, itemStyle: { color: colour(name) },
      data: line.cells[name].curve.map(([ms, kib]) => [ms / 1000, kib / 1024]),
    })),
  });
}

function memoryPlot() {
  const element = document.getElementById("plot-memory");
  if (!element) return;
  element.style.height = `${memoryHeight(shown)}px`;
  draw("plot-memory", memoryOption(report, shown, colour, base()));
}

function readable(value) {
  for (const [limit, unit] of [[2 ** 30, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= limit) return `${Number((value / limit).toPrecision(2))}${unit}`;
  }
  return `${value}`;
}

function scalingPlot(plot) {
  const look = base();
  draw(`plot-${plot.name}`, {
    ...look,
    grid: { left: 8, right: 24, top: 56, bottom: 36, containLabel: true },
    xAxis: look.axis({
      type: "category", data: plot.points.map(readable), name: plot.axis, nameLocation: "middle", nameGap: 24,
    }),
    yAxis: look.axis({ type: "log", name: "ns per operation", nameTextStyle: { color: style("--faint"), align: "left" }, axisLabel: { color: style("--faint"), formatter: readable } }),
    tooltip: { ...look.tooltip, trigger: "axis", valueFormatter: (v) => (v == null ? "-" : `${v.toFixed(1)} ns`) },
    legend: { ...look.legend, data: shown },
    series: shown.map((name) => ({
      name, type: "line", symbol: form(name), symbolSize: name === "strata" ? 9 : 6, z: name === "strata" ? 5 : 2, connectNulls: true,
      lineStyle: { width: name === "strata" ? 3 : 1.5, color: colour(name) }, itemStyle: { color: colour(name) },
      data: plot.nanoseconds[name],
    })),
  });
}

function drawAll() {
  ratioPlot("plot-time", "time");
  ratioPlot("plot-peak", "peak_kib");
  memoryPlot();
  curvePlot();
  for (const plot of report.scaling ?? []) scalingPlot(plot);
}

document.getElementById("curve-line")?.addEventListener("change", curvePlot);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
drawAll();
