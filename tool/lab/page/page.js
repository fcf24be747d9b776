// The lab's page: a table to sort, plots over the run, and each region's blocks as they evolve.
//
// `data` is the lab's report. A product's colour tells the first policy in which the products
// differ, as a rule the fit, its line the kind of frees; the chips below the table show and hide
// products everywhere.
"use strict";

document.getElementById("workload").textContent = data.workload;
const results = data.results;
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const at = (id) => document.getElementById(id);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const kib = (bytes) => (bytes / 1024).toFixed(0);
const percent = (share) => `${(share * 100).toFixed(1)}%`;

// Policies that are the same in all products are told once.
const policies = ["fit", "coalesce", "free", "provision"];
const differing = policies.filter((p) => results.some((r) => r[p] !== results[0][p]));
at("same").textContent = policies.filter((p) => !differing.includes(p))
  .map((p) => `${p} ${results[0][p]}`).join(", ");

const telling = differing.length ? differing : ["fit"];
const name = (r) => telling.map((p) => r[p]).join(" · ");
const hues = [...new Set(results.map((r) => r[telling[0]]))];
const colour = (r) => style(`--line-${hues.indexOf(r[telling[0]]) % 5}`);
const dashes = { batched: [7, 4], background: [2, 3] };
const line = (r) => element("span", { className: `line ${r.free}`, style: `color: ${colour(r)}` });

// --- the table
const columns = [
  ...telling.map((p) => ({ title: p, get: (r) => r[p] })),
  { title: "ns/op", get: (r) => r.nanoseconds_per_operation, show: (v) => v.toFixed(1) },
  { title: "instructions", get: (r) => r.instructions_per_operation, show: (v) => v.toFixed(0) },
  { title: "worst", get: (r) => r.worst_instructions },
  { title: "footprint KB", get: (r) => r.footprint_bytes, show: kib },
  { title: "waste at peak", get: (r) => r.fragmentation_peak, show: percent },
  { title: "at the end", get: (r) => r.fragmentation_end, show: percent },
  { title: "search", get: (r) => r.mean_search, show: (v) => v.toFixed(2) },
  { title: "longest", get: (r) => r.longest_search },
  { title: "refused", get: (r) => r.refused, plain: true },
  { title: "failed", get: (r) => r.failed_checks, plain: true },
];
let sorted = { column: null, up: true };

function fillTable() {
  const order = [...results];
  if (sorted.column) {
    const get = sorted.column.get;
    order.sort((a, b) => (get(a) < get(b) ? -1 : get(a) > get(b) ? 1 : 0) * (sorted.up ? 1 : -1));
  }
  const head = element("tr");
  for (const column of columns) {
    const th = element("th", { scope: "col", className: policies.includes(column.title) ? "word" : "" },
      element("button", { textContent: column.title, onclick: () => {
        sorted = { column, up: sorted.column === column ? !sorted.up : true };
        fillTable();
      } }));
    if (sorted.column === column) th.ariaSort = sorted.up ? "ascending" : "descending";
    head.append(th);
  }
  const body = element("tbody");
  for (const r of order) {
    const row = element("tr");
    for (const column of columns) {
      const value = column.get(r);
      const cell = element("td", { textContent: value === null ? "–" : (column.show ?? String)(value) });
      if (policies.includes(column.title)) {
        cell.className = "word";
        if (row.childElementCount === 0) cell.prepend(line(r));
      } else if (column.title === "failed" && value > 0) {
        cell.className = "failed";
        cell.title = r.failure;
      } else if (!column.plain && results.length > 1) {
        const values = results.map(column.get).filter((v) => v !== null);
        if (value === Math.min(...values)) cell.className = "least";
      }
      row.append(cell);
    }
    body.append(row);
  }
  at("table").replaceChildren(element("thead", {}, head), body);
}

// --- products shown
const hidden = new Set();
function fillChips() {
  at("chips").replaceChildren(...results.map((r) => {
    const button = element("button", { onclick: () => {
      hidden.has(r) ? hidden.delete(r) : hidden.add(r);
      drawAll();
    } }, line(r), name(r));
    button.ariaPressed = String(!hidden.has(r));
    return element("li", {}, button);
  }));
}

// --- plots over the run
const plots = [
  { title: "Footprint over the run", unit: "KB", value: (s) => s.footprint_bytes / 1024 },
  { title: "Waste over the run", unit: "% of footprint", value: (s) => 100 * (1 - s.live_bytes / s.footprint_bytes) },
  { title: "Free blocks over the run", unit: "blocks", value: (s) => s.free_blocks },
];
const hint = "Point at the lines to read them.";
let drawn = [];

function drawPlots() {
  if (typeof uPlot === "undefined") {
    at("plots").replaceChildren(element("section", {}, element("p", {
      textContent: "No plots: this strata was built without uPlot (npm was not there to fetch it)." })));
    return;
  }
  const shown = results.filter((r) => !hidden.has(r) && r.over_time.length);
  drawn.forEach((plot) => plot.destroy());
  drawn = [];
  if (!results[0].over_time.length) return;
  at("plots").replaceChildren(...plots.map((plot) => {
    const readout = element("p", { className: "readout", textContent: hint });
    const section = element("section", {}, element("h2", { textContent: plot.title }));
    const axis = { stroke: style("--faint"), grid: { stroke: style("--grid"), width: 1 },
                   ticks: { stroke: style("--grid") } };
    const x = results[0].over_time.map((s) => s.operation);
    const lines = shown.map((r) => r.over_time.map(plot.value));
    const width = Math.min(1080, at("plots").clientWidth - 38);
    drawn.push(new uPlot({
      width, height: width < 500 ? 220 : 300, legend: { show: false }, scales: { x: { time: false } },
      cursor: { sync: { key: "lab" }, y: false },
      axes: [{ ...axis, label: "operations", labelSize: 18, labelGap: 0, size: 34,
               values: (_, ticks) => ticks.map((v) => (v >= 1000 ? `${v / 1000}k` : v)) },
             { ...axis, label: plot.unit, labelSize: 22, size: 58 }],
      series: [{}, ...shown.map((r) => ({ stroke: colour(r), dash: dashes[r.free], width: 1.5,
                                          points: { show: false } }))],
      hooks: { setCursor: [(u) => {
        const i = u.cursor.idx;
        if (i == null) return readout.replaceChildren(hint);
        const values = shown.map((r, k) => [r, lines[k][i]]).sort((a, b) => a[1] - b[1]);
        readout.replaceChildren(`operation ${x[i]}: `, ...values.flatMap(([r, v]) =>
          [line(r), `${name(r)} `, element("b", { textContent: v.toFixed(v < 100 ? 1 : 0) }), "   "]));
      }] },
    }, [x, ...lines], section));
    section.append(readout);
    return section;
  }));
}

// --- blocks
// A colour as [red, green, blue], whatever the style calls it.
function channels(name) {
  const context = element("canvas").getContext("2d");
  context.fillStyle = style(name);
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}
function paint(canvas, rows, mark) {
  const [used, free] = [channels("--used"), channels("--free")];
  canvas.width = rows[0].length / 2;
  canvas.height = rows.length;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  rows.forEach((row, y) => {
    for (let x = 0; x < canvas.width; ++x) {
      const share = parseInt(row.substr(x * 2, 2), 16) / 255;
      const pixel = (y * canvas.width + x) * 4;
      for (let c = 0; c < 3; ++c) image.data[pixel + c] = free[c] + (used[c] - free[c]) * share;
      image.data[pixel + 3] = 255;
    }
  });
  context.putImageData(image, 0, 0);
  if (mark === undefined) return;
  context.fillStyle = style("--mark");
  context.fillRect(0, mark, canvas.width, 1);
}

const moment = at("moment");
const drawnResults = results.filter((r) => r.cells.length);
const largest = Math.max(...drawnResults.map((r) => r.footprint_bytes));
moment.max = Math.max(0, (drawnResults[0]?.cells.length ?? 1) - 1);
moment.value = moment.max;

function drawMaps() {
  const now = Number(moment.value);
  at("operation").textContent = drawnResults.length ? `operation ${drawnResults[0].over_time[now].operation}` : "";
  at("maps").replaceChildren(...drawnResults.filter((r) => !hidden.has(r)).map((r) => {
    const bar = element("canvas", { className: "moment" });
    const map = element("canvas", { className: "map", role: "img" });
    map.ariaLabel = `Blocks of ${name(r)} over the run`;
    paint(bar, [r.cells[now]]);
    paint(map, r.cells, now);
    if (at("scale").checked) {
      for (const canvas of [bar, map]) canvas.style.width = `${100 * r.footprint_bytes / largest}%`;
    }
    map.onclick = (event) => {
      moment.value = Math.floor(event.offsetY / map.clientHeight * r.cells.length);
      drawMaps();
    };
    const s = r.over_time[now];
    return element("figure", {}, bar, map, element("figcaption", {}, line(r),
      `${name(r)}: ${kib(s.live_bytes)} of ${kib(r.footprint_bytes)} KB alive`));
  }));
}

let playing = null;
function play() {
  if (playing !== null) {
    clearInterval(playing);
    playing = null;
  } else {
    if (moment.value === moment.max) moment.value = 0;
    playing = setInterval(() => {
      moment.value = Number(moment.value) + 1;
      drawMaps();
      if (moment.value === moment.max) play();
    }, 80);
  }
  at("play").textContent = playing === null ? "Play" : "Stop";
}

function drawAll() {
  fillTable();
  fillChips();
  drawPlots();
  drawMaps();
}
at("play").onclick = play;
moment.oninput = drawMaps;
at("scale").onchange = drawMaps;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) drawPlots();
  width = innerWidth;
});
drawAll();
