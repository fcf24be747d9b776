// The page of comparisons: words, tables, curves and bars.
const dark = matchMedia('(prefers-color-scheme: dark)');
const palette = () => dark.matches
  ? ['#fb923c', '#9aa7b8', '#60a5fa', '#4ade80', '#c4b5fd', '#facc15', '#f472b6', '#2dd4bf']
  : ['#c2410c', '#475569', '#2563eb', '#15803d', '#7c3aed', '#a16207', '#be185d', '#0f766e'];
const names = [...new Set(data.comparisons.flatMap(c => c.rows.map(r => r.allocator)))];
const colour = name => palette()[names.indexOf(name) % 8];
const mb = b => `${(b / 1e6).toFixed(b < 1e8 ? 1 : 0)} MB`;
make('h1', main, 'Which allocator?');
const what = make('p', main, null, 'faint'), all = make('div', main);
const time = s => s >= 1 ? `${s.toFixed(2)} s` : `${(s * 1e3).toFixed(s < 0.01 ? 2 : 1)} ms`;

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
    const bar = make('div', box, null, 'bar');
    make('span', bar, r.allocator).title = r.allocator;
    const fill = make('i', make('span', bar));
    fill.style.width = `${100 * get(r) / most}%`;
    fill.style.background = colour(r.allocator);
    make('span', bar, show(get(r)));
  }
}

function curveOf(parent, c, rows) {
  const lines = rows.map(r => ({label: r.allocator, points: r.curve, stroke: colour(r.allocator)}));
  if (c.asked) lines.push({label: 'asked for', points: c.asked, stroke: style('--faint'), dash: [5, 4]});
  const tables = lines.map(l => [l.points.map(p => p[0]), l.points.map(p => p[1] / 1e6)]);
  curves(parent, typeof uPlot === 'undefined' ? [] : uPlot.join(tables), lines.map(({label, stroke, dash}) =>
    ({label, stroke, dash, width: dash ? 1.5 : 2})), 'MB', 340);
}

function sectionOf(parent, c) {
  const section = make('section', parent);
  make('h2', section, c.program || 'program');
  const facts = make('p', section, null, 'faint');
  make('code', facts, c.command);
  make('span', facts, c.trace
    ? ` · ${count(c.trace.events)} events of ${count(c.trace.threads)} thread${c.trace.threads === 1 ? '' : 's'},` +
      ` replayed from ${c.source} · new memory touched: ${c.settings.touch} · ${c.settings.rounds} rounds`
    : ` · run ${c.settings.rounds} times under each`);
  if (c.trace && c.trace.cut_off) make('p', section, `The trace is cut off: ${c.trace.cut_off}.`, 'note');
  const rows = c.rows.filter(r => !r.problem);
  const said = [...c.words];
  if (rows.length > 1) make('p', section, said.pop(), 'answer');
  const list = make('ul', section, null, 'words');
  for (const sentence of said) make('li', list, sentence);
  if (!rows.length) return;
  tableOf(make('div', section, null, 'scroll'), c, rows);
  make('h3', section, 'Resident memory over the run');
  const plot = make('div', section);
  curveOf(plot, c, rows);
  const bars = make('div', section, null, 'bars');
  barsOf(bars, c.way === 'replay' ? 'Processor time of the calls' : 'Processor time', rows, r => r.seconds, time);
  barsOf(bars, 'Peak memory', rows, r => r.peak_bytes, mb);
  barsOf(bars, 'Mean memory', rows, r => r.mean_bytes, mb);
  barsOf(bars, 'Memory at the end', rows, r => r.end_bytes, mb);
}

function draw() {
  all.replaceChildren();
  what.textContent =
    `${names.length} allocators and settings, ${data.comparisons.length} program${data.comparisons.length === 1 ? '' : 's'}`;
  if (data.over_all.length) {
    const section = make('section', all);
    make('h2', section, 'Over all');
    make('p', section, 'Geometric means of the ratio to the best of each program; 1 is the best everywhere.', 'faint');
    const table = make('table', make('div', section, null, 'scroll'));
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
keepDrawn(draw);
