// The lab's page but for its data: style, table, plots, drawings. Plain HTML and script, no tool.
#include "lab/page.hpp"

namespace strata::lab {

const std::string_view page_head = R"page(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>strata lab</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px; padding: 0 1rem;
       color: #222; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #ddd; }
th { cursor: pointer; } th:nth-child(-n+4), td:nth-child(-n+4) { text-align: left; }
.blocks { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-size: .85rem; color: #555; }
canvas.map { width: 100%; height: 200px; image-rendering: pixelated; border: 1px solid #ccc; }
.note { background: #fff4d6; padding: .5rem .8rem; }
</style>
)page";

const std::string_view page_body = R"page(</head><body>
<h1>strata lab: <span id="workload"></span></h1>
<p>Each line is one product of policies on the same workload. Click a head to sort by it.</p>
<table id="table"></table>
<div id="plots"></div>
<h2>Blocks over the run</h2>
<p>From left to right the region's addresses up to its footprint, from top to bottom the run. Dark is
used, white is free.</p>
<div class="blocks" id="blocks"></div>
<script>
const name = r => `${r.fit} · ${r.coalesce} · ${r.free} · ${r.provision}`;
document.getElementById('workload').textContent = data.workload;
const columns = [
  ['fit', r => r.fit], ['coalesce', r => r.coalesce], ['free', r => r.free],
  ['provision', r => r.provision],
  ['ns/op', r => r.nanoseconds_per_operation, v => v.toFixed(1)],
  ['instructions', r => r.instructions_per_operation, v => v === null ? '–' : v.toFixed(0)],
  ['worst', r => r.worst_instructions, v => v === null ? '–' : v],
  ['footprint KB', r => r.footprint_bytes, v => (v / 1024).toFixed(0)],
  ['waste', r => r.fragmentation_peak, v => (v * 100).toFixed(1) + '%'],
  ['search', r => r.mean_search, v => v.toFixed(1)],
  ['longest', r => r.longest_search], ['refused', r => r.refused],
  ['failed checks', r => r.failed_checks]];
function fill(order) {
  const table = document.getElementById('table');
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  for (const [title, get] of columns) {
    const th = document.createElement('th');
    th.textContent = title;
    th.onclick = () => fill([...data.results].sort((a, b) => get(a) < get(b) ? -1 : 1));
    head.append(th);
  }
  const body = table.createTBody();
  for (const r of order) {
    const row = body.insertRow();
    for (const [, get, show] of columns) row.insertCell().textContent = show ? show(get(r)) : get(r);
  }
}
fill(data.results);

const colours = ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2',
                 '#7f7f7f', '#bcbd22', '#17becf'];
const plots = document.getElementById('plots');
function plot(title, unit, value) {
  const h = document.createElement('h2');
  h.textContent = title;
  plots.append(h);
  const x = data.results[0].over_time.map(s => s.operation);
  const lines = data.results.map(r => r.over_time.map(value));
  new uPlot({
    width: Math.min(1060, document.body.clientWidth), height: 320, scales: {x: {time: false}},
    axes: [{label: 'operations'}, {label: unit, size: 70}],
    series: [{label: 'operation'}, ...data.results.map((r, i) => ({
      label: name(r), stroke: colours[i % colours.length], dash: i >= 10 ? [6, 4] : undefined}))],
  }, [x, ...lines], plots);
}
if (typeof uPlot === 'undefined') {
  const note = document.createElement('p');
  note.className = 'note';
  note.textContent = 'No plots: this strata was built without uPlot (npm was not there to fetch it).';
  plots.append(note);
} else if (data.results.every(r => r.over_time.length)) {
  plot('Footprint over the run', 'KB', s => s.footprint_bytes / 1024);
  plot('Waste over the run', '% of the footprint', s => 100 * (1 - s.live_bytes / s.footprint_bytes));
  plot('Free blocks over the run', 'blocks', s => s.free_blocks);
}

for (const r of data.results) {
  if (!r.cells.length) continue;
  const width = r.cells[0].length / 2;
  const figure = document.createElement('figure');
  const canvas = document.createElement('canvas');
  canvas.className = 'map';
  canvas.width = width;
  canvas.height = r.cells.length;
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, r.cells.length);
  r.cells.forEach((row, y) => {
    for (let x = 0; x < width; ++x) {
      const used = parseInt(row.substr(x * 2, 2), 16) / 255;
      const at = (y * width + x) * 4;
      image.data.set([255 - used * 225, 255 - used * 175, 255 - used * 105, 255], at);
    }
  });
  context.putImageData(image, 0, 0);
  const caption = document.createElement('figcaption');
  caption.textContent = `${name(r)}: ${(r.footprint_bytes / 1024).toFixed(0)} KB`;
  figure.append(canvas, caption);
  document.getElementById('blocks').append(figure);
}
</script></body></html>
)page";

}  // namespace strata::lab
