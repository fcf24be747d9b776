// The report's page: draws what `data` holds, and leaves out what it does not.
'use strict';
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const make = (tag, parent, text, kind) => {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (kind) element.className = kind;
  parent.append(element);
  return element;
};
const size = bytes => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; Math.abs(bytes) >= 1024 && unit < 4; ++unit) bytes /= 1024;
  return `${unit === 0 ? Math.round(bytes) : bytes.toFixed(bytes < 10 ? 2 : 1)} ${units[unit]}`;
};
const count = n => Math.round(n).toLocaleString('en');
const share = (part, whole) => whole > 0 ? `${(100 * part / whole).toFixed(part * 10 < whole ? 1 : 0)}%` : '–';
const seconds = ms => ms < 1000 ? `${ms} ms` : ms < 120000 ? `${(ms / 1000).toFixed(1)} s`
  : `${Math.floor(ms / 60000)} min ${Math.floor(ms / 1000) % 60} s`;
const redraws = [];  // what must be drawn anew when width or colours change
const main = document.querySelector('main');

function section(id, title, about) {
  const element = make('section', main);
  element.id = id;
  make('h2', element, title);
  if (about) make('p', element, about, 'faint');
  const link = make('a', document.querySelector('nav'), title);
  link.href = `#${id}`;
  return element;
}

// Where the resident memory is. Names and colours of the parts, in the order of the bar.
const parts = {
  live: ['live blocks', '--live'], free_in_slabs: ['free in slabs', '--free'],
  cached_in_threads: ['free in threads’ slabs', '--cached'], waiting_for_purge: ['waiting for purge', '--waiting'],
  huge_tail: ['tails of huge blocks', '--large'], lent_to_regions: ['lent to regions', '--large'],
  untouched: ['never used', '--nothing'], metadata: ['Strata’s records', '--meta'],
};

function overview(s) {
  const box = section('overview', 'Overview');
  const r = s.resident;
  const tiles = make('div', box, null, 'tiles');
  const tile = (words, value) => { const t = make('div', tiles); make('b', t, value); make('span', t, words, 'faint'); };
  tile('resident', size(r.total));
  tile('live in blocks', size(s.live.bytes));
  if (s.peak_resident) tile('resident at most', size(s.peak_resident));
  tile('given back so far', size(s.purge.bytes));
  const bar = make('div', box, null, 'stack');
  const legend = make('ul', box, null, 'legend');
  for (const [name, bytes] of Object.entries(r)) {
    if (name === 'total' || name === 'process' || !bytes) continue;
    const [words, colour] = parts[name] || [name.replaceAll('_', ' '), '--outside'];
    const piece = make('i', bar);
    piece.style.cssText = `width:${100 * bytes / r.total}%;background:var(${colour})`;
    piece.title = `${words}: ${size(bytes)}`;
    const line = make('li', legend);
    make('i', line).style.background = `var(${colour})`;
    make('span', line, words);
    make('b', line, size(bytes));
    make('span', line, share(bytes, r.total)).style.cssText = 'flex:0 0 3.4em;text-align:right';
  }
  bar.setAttribute('role', 'img');
  bar.setAttribute('aria-label', 'Shares of the resident memory; the list below has the figures');
}

function findings(list) {
  const box = section('findings', 'What stands out');
  const items = make('ol', box, null, 'findings');
  for (const f of list) {
    const item = make('li', items);
    make('b', item, f.finding);
    if (f.detail) make('p', item, f.detail);
    if (f.remedy) make('p', item, f.remedy, 'faint');
  }
}

function timeline(t) {
  const box = section('timeline', 'Live and resident over time');
  const place = make('div', box);
  if (typeof uPlot === 'undefined') {
    make('p', place, 'No curves: this strata was built without uPlot (npm was not there to fetch it).', 'note');
    return;
  }
  const lines = [['resident', '--resident'], ['live', '--live'], ['waiting', '--waiting']];
  redraws.push(() => {
    place.replaceChildren();
    const axis = {stroke: style('--faint'), grid: {stroke: style('--line'), width: 1},
      ticks: {stroke: style('--line'), width: 1}};
    new uPlot({
      width: place.clientWidth, height: 280,
      scales: {x: {time: false}, y: {range: (u, low, high) => [0, (high || 1) * 1.05]}},
      axes: [{...axis, label: 'seconds', labelSize: 22}, {...axis, label: 'MiB', size: 62, labelSize: 22}],
      series: [{label: 's', value: (u, v) => v === null ? '–' : v.toFixed(2)}, ...lines.map(([name, colour]) => ({
        label: name === 'waiting' ? 'waiting for purge' : name, stroke: style(colour), width: 2, points: {show: false},
        value: (u, v) => v === null ? '–' : `${v.toFixed(1)} MiB`}))],
    }, [t.time.map(x => x / 1000), ...lines.map(([name]) => t[name].map(x => x / 1048576))], place);
  });
}

function classes(list) {
  const box = section('classes', 'Size classes', 'Resident bytes of each class: live, and free in its slabs.');
  const place = make('div', make('div', box, null, 'scroll'));
  const columns = [['size', c => c.size], ['blocks', c => c.live], ['live', c => c.live_bytes],
    ['resident', c => c.resident], ['free', c => c.free_resident], ['slabs', c => c.slabs]];
  const most = Math.max(...list.map(c => c.resident), 1);
  const draw = get => {
    place.replaceChildren();
    const table = make('table', place);
    const head = table.createTHead().insertRow();
    for (const [title, key] of columns) {
      const cell = make('th', head);
      const button = make('button', cell, title);
      button.onclick = () => draw(key);
      if (key === get) cell.setAttribute('aria-sort', 'descending');
    }
    make('th', head);
    const body = table.createTBody();
    for (const c of [...list].sort((a, b) => get(b) - get(a))) {
      const row = body.insertRow();
      for (const text of [count(c.size), count(c.live), size(c.live_bytes), size(c.resident),
        size(c.free_resident), count(c.slabs)]) row.insertCell().textContent = text;
      const cell = row.insertCell();
      cell.className = 'bar';
      const bar = make('div', cell);
      const piece = (bytes, colour) => {
        make('i', bar).style.cssText = `width:${100 * bytes / most}%;background:var(${colour})`;
      };
      piece(Math.max(0, c.resident - c.free_resident), '--live');
      piece(c.free_resident, '--free');
    }
  };
  draw(columns[3][1]);
}

// One square a slot of 64 KiB: how much of it is live, of which kind.
const kinds = ['slab', 'slab', 'strip', 'large block', 'lent to a region', 'kept by a mode or a profile', 'free',
  'huge block', 'on its way'];
function map(m) {
  const box = section('map', 'Map of the heap',
    'A square is a slot of 64 KiB, in order of address. Green: live; orange: resident but free; violet: waiting ' +
    'for purge; grey: given back or never touched. Arrow keys move, too.');
  const canvas = make('canvas', box);
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', 'Map of slots; arrow keys choose one');
  const about = make('p', box, ' ', 'about');
  about.setAttribute('aria-live', 'polite');
  const cells = [];  // index of the run of each slot
  m.forEach((run, i) => { for (let k = 0; k < Math.max(1, run[1]); ++k) cells.push(i); });
  const colour = run => {
    const [kind, , , live, resident] = run;
    if (kind === 6) return style(resident > 0 ? '--waiting' : '--nothing');
    if (kind === 3 || kind === 7) return style(resident > 0.02 ? '--large' : '--nothing');
    if (kind === 4 || kind === 5 || kind === 8) return style('--meta');
    return null;
  };
  let columns = 1, side = 8, chosen = -1;
  const draw = () => {
    const width = box.clientWidth - 36;
    side = cells.length < 600 ? 14 : cells.length < 6000 ? 8 : 5;
    columns = Math.max(16, Math.floor(width / side));
    const rows = Math.ceil(cells.length / columns);
    canvas.width = columns * side;
    canvas.height = rows * side;
    canvas.style.width = `${canvas.width}px`;
    const pen = canvas.getContext('2d');
    const fill = [style('--nothing'), style('--free'), style('--live')];
    cells.forEach((number, at) => {
      const run = m[number], x = at % columns * side, y = Math.floor(at / columns) * side, inner = side - 1;
      const plain = colour(run);
      pen.fillStyle = plain || fill[0];
      pen.fillRect(x, y, inner, inner);
      if (plain) return;
      const resident = Math.round(inner * Math.min(1, run[4])), live = Math.round(inner * Math.min(run[3], run[4]));
      pen.fillStyle = fill[1];
      pen.fillRect(x, y + inner - resident, inner, resident);
      pen.fillStyle = fill[2];
      pen.fillRect(x, y + inner - live, inner, live);
    });
    if (chosen >= 0) {
      pen.strokeStyle = style('--text');
      pen.lineWidth = 2;
      pen.strokeRect(chosen % columns * side, Math.floor(chosen / columns) * side, side - 1, side - 1);
    }
  };
  const choose = at => {
    if (at < 0 || at >= cells.length) return;
    chosen = at;
    const [kind, slots, block, live, resident, blocks] = m[cells[at]];
    about.textContent = `Slot ${count(at)}: ${kinds[kind] || 'unknown'}` +
      (slots > 1 ? ` of ${count(slots)} slots` : '') + (block ? `, blocks of ${count(block)} bytes, ${count(blocks)} live` : '') +
      `; ${Math.round(100 * resident)}% resident` + (kind < 3 ? `, ${Math.round(100 * live)}% live` : '');
    draw();
  };
  const at = event => {
    const area = canvas.getBoundingClientRect(), scale = canvas.width / area.width;
    return Math.floor((event.clientY - area.top) * scale / side) * columns +
      Math.floor((event.clientX - area.left) * scale / side);
  };
  canvas.onclick = event => choose(at(event));
  canvas.onmousemove = event => choose(at(event));
  canvas.onkeydown = event => {
    const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[event.key];
    if (step === undefined) return;
    event.preventDefault();
    choose(Math.max(0, chosen) + step);
  };
  redraws.push(draw);
}

// A node of the tree: [name, values by view, children]. Names and views stand beside it.
function flame(p) {
  const box = section('flame', 'Who allocates, who holds',
    `Estimated from ${count(p.samples)} samples, one in ${size(p.mean)}. Wider is more; callers stand above. ` +
    'Click or Enter looks closer, Escape goes back, arrow keys move.');
  const tools = make('div', box, null, 'tools');
  const search = make('input', tools);
  search.type = 'search';
  search.placeholder = 'find a function';
  search.setAttribute('aria-label', 'find a function');
  const place = make('div', box, null, 'flame');
  const about = make('p', box, ' ', 'about');
  about.setAttribute('aria-live', 'polite');
  let view = p.first, top = p.tree, path = [];
  const hue = name => {
    let hash = 0;
    for (const letter of name.split('(')[0]) hash = hash * 31 + letter.charCodeAt(0) | 0;
    return `hsl(${20 + Math.abs(hash) % 38} 80% ${62 + Math.abs(hash >> 7) % 14}%)`;
  };
  const name = node => p.names[node[0]];
  const tell = node => {
    about.textContent = `${name(node)}: ${size(node[1][view])}, ${share(node[1][view], p.tree[1][view])} of ` +
      `${size(p.tree[1][view])} ${p.views[view]}`;
  };
  const look = node => {
    const back = path.indexOf(node);
    path = back >= 0 ? path.slice(0, back) : [...path, ...chain(top, node).slice(0, -1)];
    top = node;
    draw();
    place.querySelector('button')?.focus();
  };
  const chain = (from, to) => {
    if (from === to) return [from];
    for (const child of from[2]) {
      const rest = chain(child, to);
      if (rest.length) return [from, ...rest];
    }
    return [];
  };
  const draw = () => {
    place.replaceChildren();
    const width = place.clientWidth, words = search.value.toLowerCase();
    let rows = 0;
    const put = (node, x, wide, row, ancestor) => {
      if (wide < 2) return;
      rows = Math.max(rows, row + 1);
      const bar = make('button', place, wide > 24 ? name(node) : '');
      bar.style.cssText = `left:${x}px;width:${wide}px;top:${row * 19}px;background:${hue(name(node))}`;
      bar.title = `${name(node)}\n${size(node[1][view])}`;
      bar.setAttribute('aria-label', `${name(node)}, ${size(node[1][view])}`);
      if (words ? !name(node).toLowerCase().includes(words) : ancestor) bar.classList.add('dim');
      bar.onclick = () => look(node);
      bar.onmouseenter = bar.onfocus = () => tell(node);
      bar.tabIndex = row === 0 ? 0 : -1;
      bar.dataset.row = row;
      if (ancestor) return;
      let left = x;
      for (const child of [...node[2]].sort((a, b) => b[1][view] - a[1][view])) {
        const part = node[1][view] > 0 ? wide * child[1][view] / node[1][view] : 0;
        put(child, left, part, row + 1, false);
        left += part;
      }
    };
    path.forEach((node, row) => put(node, 0, width, row, true));
    put(top, 0, width, path.length, false);
    place.style.height = `${rows * 19}px`;
    if (!(top[1][view] > 0)) about.textContent = `Nothing was sampled that is ${p.views[view]}.`;
    else tell(top);
  };
  place.onkeydown = event => {
    const bars = [...place.querySelectorAll('button')], here = document.activeElement;
    const row = Number(here.dataset.row), left = parseFloat(here.style.left);
    let to = null;
    if (event.key === 'Escape') { if (path.length) look(path[path.length - 1]); event.preventDefault(); return; }
    if (event.key === 'ArrowDown') to = bars.find(b => Number(b.dataset.row) === row + 1 && parseFloat(b.style.left) >= left - 1);
    if (event.key === 'ArrowUp') to = bars.filter(b => Number(b.dataset.row) === row - 1 && parseFloat(b.style.left) <= left + 1).pop();
    const line = bars.filter(b => Number(b.dataset.row) === row);
    if (event.key === 'ArrowRight') to = line[line.indexOf(here) + 1];
    if (event.key === 'ArrowLeft') to = line[line.indexOf(here) - 1];
    if (to) { event.preventDefault(); to.focus(); }
  };
  search.oninput = draw;
  const buttons = p.views.map((words, i) => {
    if (!(p.tree[1][i] > 0)) return null;
    const button = make('button', tools, words);
    button.onclick = () => {
      view = i;
      buttons.forEach((other, k) => other?.setAttribute('aria-pressed', k === view));
      draw();
    };
    button.setAttribute('aria-pressed', i === view);
    return button;
  });
  redraws.push(draw);
}

document.querySelector('h1').textContent = data.title;
const facts = document.querySelector('#facts');
for (const fact of data.facts) make('p', facts, fact, 'faint');
if (data.statistics) overview(data.statistics);
if (data.findings?.length) findings(data.findings);
if (data.samples?.time.length > 1) timeline(data.samples);
if (data.profile) flame(data.profile);
if (data.statistics?.classes.length) classes(data.statistics.classes);
if (data.map?.length) map(data.map);
const redraw = () => redraws.forEach(draw => draw());
redraw();
let waiting = 0;
addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(redraw, 80); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
