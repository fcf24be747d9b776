// The comparison's page: style and script around the JSON. Plain HTML but for uPlot's curves.
#include "replay/page.hpp"

#include <string_view>

#include "in_script.hpp"
#include "lab/page.hpp"
#include "replay/report.hpp"

namespace strata::replay {
namespace {

constexpr std::string_view head = R"page(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>strata compare</title>
<style>
:root { color-scheme: light dark; --back: #f6f5f2; --card: #fff; --text: #22262b; --faint: #5d656e;
  --line: #dedbd4; --asked: #6b7280; }
@media (prefers-color-scheme: dark) { :root { --back: #16181b; --card: #1f2226; --text: #e6e4df;
  --faint: #a0a7b0; --line: #363b42; --asked: #9aa1aa; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 60px; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.25rem; margin: 0 0 .3rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px; margin-top: 18px; }
.faint { color: var(--faint); } code { overflow-wrap: anywhere; }
.answer { font-size: 1.1rem; font-weight: 600; margin: .8rem 0; overflow-wrap: anywhere; }
.words li { margin: .3rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--faint); font-weight: 600; }
td.best { font-weight: 700; }
th button { all: unset; cursor: pointer; } th button:focus-visible { outline: 2px solid currentColor; }
.bars { display: grid; grid-template-columns: repeat(auto-fit, minmax(290px, 1fr)); gap: 20px; }
.bar { display: grid; grid-template-columns: minmax(84px, 38%) 1fr auto; gap: 8px; align-items: center;
  font-size: .88rem; margin: 3px 0; font-variant-numeric: tabular-nums; }
.bar span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar i { display: block; height: 14px; border-radius: 3px; min-width: 2px; }
.note { border-left: 3px solid var(--asked); padding: .2rem .8rem; }
.u-legend { font-size: .85rem; } .u-legend th { border: 0; padding: 0; text-align: left; }
.u-legend td { border: 0; padding: 0 .3rem; }
</style>
)page";

constexpr std::string_view body = R"page(</head><body><main>
<h1>Which allocator?</h1>
<p class="faint" id="what"></p>
<div id="all"></div>
<script>
const dark = matchMedia('(prefers-color-scheme: dark)');
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const palette = () => dark.matches
  ? ['#fb923c', '#9aa7b8', '#60a5fa', '#4ade80', '#c4b5fd', '#facc15', '#f472b6', '#2dd4bf']
  : ['#c2410c', '#475569', '#2563eb', '#15803d', '#7c3aed', '#a16207', '#be185d', '#0f766e'];
const names = [...new Set(data.comparisons.flatMap(c => c.rows.map(r => r.allocator)))];
const colour = name => palette()[names.indexOf(name) % 8];
const make = (tag, parent, text, kind) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (kind) e.className = kind;
  parent.append(e);
  return e;
};
const mb = b => `${(b / 1e6).toFixed(b < 1e8 ? 1 : 0)} MB`;
const time = s => s >= 1 ? `${s.toFixed(2)} s` : `${(s * 1e3).toFixed(s < 0.01 ? 2 : 1)} ms`;
const count = n => n.toLocaleString('en');

function tableOf(parent, c, rows, order) {
  const columns = [
    ['allocator', r => r.allocator, v => v], [c.way === 'replay' ? 'calls' : 'time', r => r.seconds, time],
    ['±', r => r.noise, v => `${(v * 100).toFixed(0)}%`], ['wall', r => r.wall_seconds, time],
    ['peak', r => r.peak_bytes, mb], ['mean', r => r.mean_bytes, mb], ['end', r => r.end_bytes, mb],
    ['faults', r => r.faults, count]];
  parent.replaceChildren();
  const table = make('table', parent);
  const line = table.createTHead().insertRow();
  for (const [title, get] of columns) {
    const button = make('button', make('th', line), title);
    button.onclick = () => tableOf(parent, c, rows, get);
  }
  const body = table.createTBody();
  const shown = order ? [...rows].sort((a, b) => order(a) < order(b) ? -1 : 1) : rows;
  for (const r of shown) {
    const line = body.insertRow();
    columns.forEach(([title, get, show], i) => {
      const cell = line.insertCell();
      cell.textContent = show(get(r));
      if (i > 0 && title !== '±' && get(r) === Math.min(...rows.map(get))) cell.className = 'best';
    });
  }
  if (c.trace) {
    const line = body.insertRow();
    line.className = 'faint';
    for (const text of ['asked for', '', '', '', mb(c.trace.peak_live_bytes),
      mb(c.trace.mean_live_bytes), mb(c.trace.end_live_bytes), '']) line.insertCell().textContent = text;
  }
}

function barsOf(parent, title, rows, get, show) {
  const box = make('div', parent);
  make('h3', box, title);
  const most = Math.max(...rows.map(get), 1e-12);
  for (const r of [...rows].sort((a, b) => get(a) - get(b))) {
    const bar = make('div', box, undefined, 'bar');
    make('span', bar, r.allocator).title = r.allocator;
    const fill = make('i', make('span', bar));
    fill.style.width = `${100 * get(r) / most}%`;
    fill.style.background = colour(r.allocator);
    make('span', bar, show(get(r)));
  }
}

function curveOf(parent, c, rows) {
  if (typeof uPlot === 'undefined') {
    make('p', parent, 'No curves: this strata was built without uPlot (npm was not there to fetch it).',
      'note');
    return;
  }
  const lines = rows.map(r => ({label: r.allocator, points: r.curve, stroke: colour(r.allocator)}));
  if (c.asked) lines.push({label: 'asked for', points: c.asked, stroke: style('--asked'), dash: [5, 4]});
  const tables = lines.map(l => [l.points.map(p => p[0]), l.points.map(p => p[1] / 1e6)]);
  const axis = {stroke: style('--faint'), grid: {stroke: style('--line'), width: 1},
    ticks: {stroke: style('--line'), width: 1}};
  new uPlot({
    width: parent.clientWidth, height: 340, scales: {x: {time: false}, y: {range: (u, low, high) => [0, high * 1.05]}},
    axes: [{...axis, label: 'seconds of the program', labelSize: 22}, {...axis, label: 'MB', size: 62, labelSize: 22}],
    series: [{label: 's', value: (u, v) => v === null ? '–' : v.toFixed(2)},
      ...lines.map(l => ({label: l.label, stroke: l.stroke, dash: l.dash, width: l.dash ? 1.5 : 2,
        spanGaps: true, points: {show: false}, value: (u, v) => v === null ? '–' : `${v.toFixed(1)} MB`}))],
  }, uPlot.join(tables), parent);
}

function sectionOf(parent, c) {
  const section = make('section', parent);
  make('h2', section, c.program || 'program');
  const facts = make('p', section, undefined, 'faint');
  make('code', facts, c.command);
  make('span', facts, c.trace
    ? ` · ${count(c.trace.events)} events of ${count(c.trace.threads)} thread${c.trace.threads === 1 ? '' : 's'},` +
      ` replayed from ${c.source} · new memory touched: ${c.settings.touch} · ${c.settings.rounds} rounds`
    : ` · run ${c.settings.rounds} times under each`);
  if (c.trace && c.trace.cut_off) make('p', section, `The trace is cut off: ${c.trace.cut_off}.`, 'note');
  const rows = c.rows.filter(r => !r.problem);
  const said = [...c.words];
  if (rows.length > 1) make('p', section, said.pop(), 'answer');
  const list = make('ul', section, undefined, 'words');
  for (const sentence of said) make('li', list, sentence);
  if (!rows.length) return;
  tableOf(make('div', section, undefined, 'scroll'), c, rows);
  make('h3', section, 'Resident memory over the run');
  const plot = make('div', section);
  curveOf(plot, c, rows);
  const bars = make('div', section, undefined, 'bars');
  barsOf(bars, c.way === 'replay' ? 'Processor time of the calls' : 'Processor time', rows, r => r.seconds, time);
  barsOf(bars, 'Peak memory', rows, r => r.peak_bytes, mb);
  barsOf(bars, 'Mean memory', rows, r => r.mean_bytes, mb);
  barsOf(bars, 'Memory at the end', rows, r => r.end_bytes, mb);
}

function draw() {
  const all = document.getElementById('all');
  all.replaceChildren();
  document.getElementById('what').textContent =
    `${names.length} allocators and settings, ${data.comparisons.length} program${data.comparisons.length === 1 ? '' : 's'}`;
  if (data.over_all.length) {
    const section = make('section', all);
    make('h2', section, 'Over all');
    make('p', section, 'Geometric means of the ratio to the best of each program; 1 is the best everywhere.', 'faint');
    const table = make('table', make('div', section, undefined, 'scroll'));
    const head = table.createTHead().insertRow();
    for (const title of ['allocator', 'time', 'peak', 'mean']) make('th', head, title);
    const body = table.createTBody();
    for (const one of data.over_all) {
      const line = body.insertRow();
      line.insertCell().textContent = one.allocator;
      for (const key of ['time', 'peak', 'mean']) {
        const cell = line.insertCell();
        cell.textContent = one[key].toFixed(2);
        if (one[key] === Math.min(...data.over_all.map(o => o[key]))) cell.className = 'best';
      }
    }
  }
  for (const c of data.comparisons) sectionOf(all, c);
}
draw();
dark.addEventListener('change', draw);
let width = innerWidth;
addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
</script></main></body></html>
)page";

}  // namespace

std::string html(const std::vector<Comparison>& comparisons) {
  std::string page(head);
  page += "<style>";
  page += lab::uplot_style;
  page += "</style><script>";
  page += lab::uplot_script;
  page += "</script>\n<script>const data = ";
  page += tool::in_script(to_json(comparisons));
  page += ";</script>\n";
  page += body;
  return page;
}

}  // namespace strata::replay
