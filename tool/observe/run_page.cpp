// The page of a run: style and script around the JSON. Plain HTML but for uPlot's curves.
#include "observe/run_page.hpp"

#include <string_view>

#include "in_script.hpp"
#include "lab/page.hpp"

namespace strata::tool {
namespace {

constexpr std::string_view head = R"page(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>strata run</title>
<style>
:root { color-scheme: light dark; --back: #f6f5f2; --card: #fff; --text: #22262b; --faint: #5d656e;
  --line: #dedbd4; --resident: #c2410c; --live: #2563eb; --waiting: #a16207; }
@media (prefers-color-scheme: dark) { :root { --back: #16181b; --card: #1f2226; --text: #e6e4df;
  --faint: #a0a7b0; --line: #363b42; --resident: #fb923c; --live: #60a5fa; --waiting: #facc15; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 60px; }
h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px; margin-top: 18px; }
.faint { color: var(--faint); } .scroll { overflow-x: auto; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 14px; margin: 0; }
dt { color: var(--faint); font-size: .85rem; } dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--faint); font-weight: 600; }
.part { display: grid; grid-template-columns: minmax(110px, 24%) 1fr 90px; gap: 10px; align-items: center;
  font-size: .92rem; margin: 3px 0; font-variant-numeric: tabular-nums; }
.part i { display: block; height: 14px; border-radius: 3px; min-width: 2px; background: var(--live); }
.part.outside i { background: var(--faint); } .part b { font-weight: 400; text-align: right; }
.note { border-left: 3px solid var(--resident); padding: .2rem .8rem; overflow-wrap: anywhere; }
.u-legend { font-size: .85rem; } .u-legend th, .u-legend td { border: 0; padding: 0 .3rem; }
</style>
)page";

constexpr std::string_view body = R"page(</head><body><main>
<h1 id="title"></h1><p class="faint" id="what"></p><div id="all"></div>
<script>
const make = (tag, parent, text, kind) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (kind) e.className = kind;
  parent.append(e);
  return e;
};
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const size = b => b < 1024 ? `${b} B` : b < 1048576 ? `${(b / 1024).toFixed(1)} KiB`
  : b < 1073741824 ? `${(b / 1048576).toFixed(1)} MiB` : `${(b / 1073741824).toFixed(2)} GiB`;
const count = n => n.toLocaleString('en');
const all = document.getElementById('all');
const section = title => { const s = make('section', all); make('h2', s, title); return s; };
const seconds = ms => ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;

function table(parent, titles, rows) {
  const t = make('table', make('div', parent, undefined, 'scroll'));
  const line = t.createTHead().insertRow();
  for (const title of titles) make('th', line, title);
  const body = t.createTBody();
  for (const row of rows) { const r = body.insertRow(); for (const cell of row) r.insertCell().textContent = cell; }
}
function figures(parent, list) {
  const d = make('dl', parent);
  for (const [title, value] of list) { const box = make('div', d); make('dt', box, title); make('dd', box, value); }
}
function curves(parent) {
  if (typeof uPlot === 'undefined') {
    make('p', parent, 'No curves: this strata was built without uPlot (npm was not there to fetch it).', 'note');
    return;
  }
  const s = data.samples;
  const axis = {stroke: style('--faint'), grid: {stroke: style('--line'), width: 1},
    ticks: {stroke: style('--line'), width: 1}};
  const line = (label, colour, fill) => ({label, stroke: colour, width: 2, fill, points: {show: false},
    value: (u, v) => v === null ? '–' : `${v.toFixed(1)} MiB`});
  new uPlot({width: parent.clientWidth, height: 320,
    scales: {x: {time: false}, y: {range: (u, low, high) => [0, high * 1.05]}},
    axes: [{...axis, label: 'seconds', labelSize: 22}, {...axis, label: 'MiB', size: 62, labelSize: 22}],
    series: [{label: 's', value: (u, v) => v === null ? '–' : v.toFixed(2)},
      line('resident', style('--resident')), line('live', style('--live'), style('--live') + '22'),
      line('waiting for purge', style('--waiting'))],
  }, [s.time.map(t => t / 1000), ...[s.resident, s.live, s.waiting].map(v => v.map(b => b / 1048576))], parent);
}
function draw() {
  all.replaceChildren();
  document.getElementById('title').textContent = data.program.join(' ');
  document.getElementById('what').textContent = (data.ended.signal ? `ended by ${data.ended.signal}`
    : `ended with code ${data.ended.code}`) + ` after ${seconds(data.time.elapsed)}, ` +
    `${count(data.processes.length)} process${data.processes.length === 1 ? '' : 'es'} under Strata`;
  if (data.obstacle) make('p', all, `Not under Strata: ${data.obstacle}.`, 'note');
  const a = data.allocations;
  figures(section('In figures'), [['peak resident', size(data.peak.resident)],
    ['live at the peak', size(data.peak.live)], ['live at the end', size(data.end.live_bytes)],
    ['small blocks allocated', a.samples ? `≈ ${count(a.small_estimate)}` : 'not sampled'],
    ['large blocks allocated', count(a.large)], ['given back while it ran', size(data.purge.bytes)],
    ['processor, program', seconds(data.time.program)], ['processor, system', seconds(data.time.system)]]);
  for (const e of data.errors) make('p', section('Error'), `process ${e.process}: ${e.text}`, 'note');
  curves(section('Resident and live over the run'));
  if (data.at_peak) {
    const s = section('What was resident at the peak, in the largest process');
    const outside = ['program', 'stacks', 'other_malloc', 'other_mappings', 'file_pages', 'shared_memory'];
    const parts = Object.entries(data.at_peak.resident).filter(([k, v]) => v && k !== 'total' && k !== 'process');
    const most = Math.max(...parts.map(p => p[1]), 1);
    for (const [name, bytes] of parts) {
      const row = make('div', s, undefined, outside.includes(name) ? 'part outside' : 'part');
      make('span', row, name.replaceAll('_', ' '));
      make('i', make('span', row)).style.width = `${100 * bytes / most}%`;
      make('b', row, size(bytes));
    }
    make('p', s, `${size(data.at_peak.resident.total)} in all; the kernel counted ` +
      `${size(data.at_peak.resident.process)}. Grey parts are outside Strata.`, 'faint');
    const classes = data.at_peak.classes.filter(c => c.slabs).sort((x, y) => y.resident - x.resident).slice(0, 20);
    table(section('Size classes at the peak'), ['class', 'live blocks', 'live', 'resident', 'free room', 'slabs'],
      classes.map(c => [`${c.size} B`, count(c.live), size(c.live_bytes), size(c.resident),
        size(c.free_resident), count(c.slabs)]));
  }
  const sizes = [...data.small_sizes.map(c => [`≤ ${c.size} B`, `≈ ${count(c.allocated_estimate)}`, count(c.samples)]),
    ...data.large_sizes.map(c => [c.to ? `≤ ${size(c.to)}` : 'more', count(c.allocated), 'counted'])];
  if (sizes.length) table(section('Allocated over the run, by size'), ['size', 'blocks', 'samples'], sizes);
}
draw();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
let width = innerWidth;
addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
</script></main></body></html>
)page";

}  // namespace

std::string run_page(const Json& document) {
  std::string page(head);
  page += "<style>";
  page += lab::uplot_style;
  page += "</style><script>";
  page += lab::uplot_script;
  page += "</script>\n<script>const data = ";
  page += in_script(document.dump(-1, ' ', false, Json::error_handler_t::replace));
  page += ";</script>\n";
  page += body;
  return page;
}

}  // namespace strata::tool
