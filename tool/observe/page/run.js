// The page of a run: figures, curves, parts and sizes.
make('h1', main, data.program.join(' '));
const what = make('p', main, null, 'faint'), all = make('div', main);
const section = title => { const s = make('section', all); make('h2', s, title); return s; };

function table(parent, titles, rows) {
  const t = make('table', make('div', parent, null, 'scroll'));
  const line = t.createTHead().insertRow();
  for (const title of titles) make('th', line, title);
  const body = t.createTBody();
  for (const row of rows) { const r = body.insertRow(); for (const cell of row) r.insertCell().textContent = cell; }
}
function figures(parent, list) {
  const d = make('dl', parent);
  for (const [title, value] of list) { const box = make('div', d); make('dt', box, title); make('dd', box, value); }
}
function draw() {
  all.replaceChildren();
  what.textContent = (data.ended.signal ? `ended by ${data.ended.signal}`
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
  const s = data.samples, mib = v => v.map(b => b / 1048576);
  curves(section('Resident and live over the run'),
    [s.time.map(t => t / 1000), mib(s.resident), mib(s.live), mib(s.waiting)],
    [{label: 'resident', stroke: style('--resident')},
      {label: 'live', stroke: style('--live'), fill: style('--live') + '22'},
      {label: 'waiting for purge', stroke: style('--waiting')}], 'MiB', 320);
  if (data.at_peak) {
    const s = section('What was resident at the peak, in the largest process');
    const outside = ['program', 'stacks', 'other_malloc', 'other_mappings', 'file_pages', 'shared_memory'];
    const parts = Object.entries(data.at_peak.resident).filter(([k, v]) => v && k !== 'total' && k !== 'process');
    const most = Math.max(...parts.map(p => p[1]), 1);
    for (const [name, bytes] of parts) {
      const row = make('div', s, null, outside.includes(name) ? 'part outside' : 'part');
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
keepDrawn(draw);
