// picture.js REPORT.json PICTURE.svg: the bars of memory_plot.js as a picture.
import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { readFileSync, writeFileSync } from "node:fs";
import { memoryHeight, memoryOption } from "./memory_plot.js";

echarts.use([BarChart, GridComponent, LegendComponent, SVGRenderer]);

const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
const names = report.allocators.filter((a) => a.role !== "twin").map((a) => a.name);
const peers = ["#8a94a3", "#0d9488", "#7c3aed", "#a16207", "#be185d", "#4d7c0f", "#2563eb"];
const colour = (name) => (name === "strata" ? "#c2410c" : peers[(names.indexOf(name) - 1) % peers.length]);
// On white, so that it can be read on a dark page too.
const look = {
  backgroundColor: "#ffffff", animation: false,
  textStyle: { color: "#22262b", fontFamily: "system-ui, sans-serif" },
  legend: { top: 8, itemGap: 16, textStyle: { color: "#22262b" } },
  axis: (extra) => ({
    axisLine: { lineStyle: { color: "#646b74" } }, splitLine: { lineStyle: { color: "#e3e1dc" } },
    axisLabel: { color: "#646b74" }, nameTextStyle: { color: "#646b74" }, ...extra,
  }),
};
const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 860, height: memoryHeight(names) });
chart.setOption(memoryOption(report, names, colour, look));
writeFileSync(process.argv[3], chart.renderToSVGString() + "\n");
chart.dispose();
