// The report's page: draws what `data` holds, and leaves out what it does not.
make('h1', main, data.title);
const facts = make('div', main), nav = make('nav', main);
const redraws = [];  // what must be drawn anew when width or colours change

function section(id, title, about) {
  const element = make('section', main);
  element.id = id;
  make('h2', element, title);
  if (about) make('p', element, about, 'faint');
  const link = make('a', nav, title);
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
    make('span', line, shareOf(bytes, r.total)).style.cssText = 'flex:0 0 3.4em;text-align:right';
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
  const lines = [['resident', 'resident'], ['live', 'live'], ['waiting', 'waiting for purge']].filter(([name]) => t[name]);
  redraws.push(() => {
    place.replaceChildren();
    // A recording knows each change: between two points nothing was different from the first.
    const paths = t.changes && typeof uPlot !== 'undefined' ? uPlot.paths.stepped({align: 1}) : undefined;
    curves(place, [t.time.map(x => x / 1000), ...lines.map(([name]) => t[name].map(x => x / 1048576))],
      lines.map(([name, label]) => ({label, paths, stroke: style(`--${name}`)})), 'MiB', 280);
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

// One square a slot of 64 KiB: how much of it is live, of which kind. One that is chosen is shown block by block.
const kinds = ['slab', 'slab', 'strip', 'large block', 'lent to a region', 'kept by a mode or a profile', 'free',
  'huge block', 'on its way'];
const slotBytes = 65536, unitBytes = 4096;
function map(m, sampled) {
  const box = section('map', 'Map of the heap',
    'A square is a slot of 64 KiB, in order of address. Green: live; orange: resident but free; violet: waiting ' +
    'for purge; grey: given back or never touched. Click or Enter shows a slab’s single blocks; arrow keys move, ' +
    'plus and minus zoom.');
  const tools = make('div', box, null, 'tools');
  const area = make('div', box, null, 'scroll map');
  const canvas = make('canvas', area);
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', 'Map of slots; arrow keys choose one, Enter shows its blocks');
  const about = make('p', box, ' ', 'about');
  about.setAttribute('aria-live', 'polite');
  const closer = make('div', box, null, 'closer');
  closer.hidden = true;
  const cells = [], within = [];  // of each slot: the index of its run, and which of the run's it is
  m.forEach((run, i) => { for (let k = 0; k < Math.max(1, run[1]); ++k) { cells.push(i); within.push(k); } });
  const colour = run => {
    const [kind, , , , resident] = run;
    if (kind === 6) return style(resident > 0 ? '--waiting' : '--nothing');
    if (kind === 3 || kind === 7) return style(resident > 0.02 ? '--large' : '--nothing');
    if (kind === 4 || kind === 5 || kind === 8) return style('--meta');
    return null;
  };
  const sides = [3, 5, 8, 14, 22, 34];
  let zoom = cells.length < 600 ? 3 : cells.length < 6000 ? 2 : 1;
  let columns = 1, side = 8, chosen = -1, opened = -1;
  const draw = () => {
    const width = area.clientWidth || 300;
    side = sides[zoom];
    columns = Math.max(8, Math.floor(width / side));
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
    if (opened >= 0) open(opened);
  };
  const address = at => m[cells[at]][6] + within[at] * slotBytes;
  const words = at => {
    const [kind, slots, block, live, resident, blocks] = m[cells[at]];
    return `Slot at 0x${address(at).toString(16)}: ${kinds[kind] || 'unknown'}` +
      (slots > 1 ? ` of ${count(slots)} slots` : '') + (block ? `, blocks of ${count(block)} bytes` : '') +
      (block && kind === 0 ? `, ${count(blocks)} live` : '') +
      `; ${Math.round(100 * resident)}% resident` + (kind < 3 ? `, ${Math.round(100 * live)}% live` : '');
  };
  const choose = at => {
    if (at < 0 || at >= cells.length) return;
    chosen = at;
    about.textContent = words(at);
    draw();
  };
  // Rows of free and live blocks by turns, in base 36; where there are none, all are alike.
  const blocksOf = at => {
    const [kind, , size, , , live, , uncarved, rows] = m[cells[at]];
    if (kind > 1 || !size) return null;
    const capacity = Math.floor(slotBytes / size), state = [];
    let isLive = false;
    if (rows) for (const length of rows.split('.')) {
      for (let i = parseInt(length, 36); i > 0; --i) state.push(isLive ? 2 : 1);
      isLive = !isLive;
    }
    while (state.length < capacity) state.push(rows ? 1 : kind === 0 && !live ? 1 : 2);
    for (let i = 0; i < capacity; ++i) {
      const last = Math.floor((i * size + size - 1) / unitBytes);
      for (let unit = Math.floor(i * size / unitBytes); unit <= last; ++unit) {
        if (state[i] === 1 && uncarved >> unit & 1) state[i] = 0;
      }
    }
    return {size, state, known: Boolean(rows) || (kind === 0 && !live)};
  };
  const open = at => {
    const blocks = blocksOf(at);
    opened = blocks ? at : -1;
    closer.hidden = !blocks;
    closer.replaceChildren();
    if (!blocks) return;
    const {size, state} = blocks, start = address(at);
    const close = make('button', make('div', closer, null, 'tools'), 'close');
    const shut = () => { opened = -1; closer.hidden = true; canvas.focus(); };
    close.onclick = shut;
    const marked = new Map();
    for (const [place, bytes, age, name] of sampled?.blocks || []) {
      if (place >= start && place < start + slotBytes) marked.set(Math.floor((place - start) / size), [bytes, age, name]);
    }
    make('h3', close.parentElement, `0x${start.toString(16)}: ${count(state.length)} blocks of ${count(size)} bytes, ` +
      `${count(state.filter(s => s === 2).length)} live`);
    const picture = make('canvas', closer);
    picture.tabIndex = 0;
    picture.setAttribute('role', 'img');
    picture.setAttribute('aria-label', 'Blocks of the slot; arrow keys choose one, Escape goes back');
    const tell = make('p', closer, 'Green: live; orange: free; grey: never used or given back' +
      (marked.size ? '; a dot: sampled, with its age and who asked for it.' : '.'), 'about');
    tell.setAttribute('aria-live', 'polite');
    const width = closer.clientWidth || 300;
    const across = Math.min(state.length, Math.max(8, Math.min(Math.floor(width / 5), Math.ceil(Math.sqrt(state.length * 2)))));
    const wide = Math.min(40, Math.floor(width / across));
    const rows = Math.ceil(state.length / across);
    picture.width = across * wide;
    picture.height = rows * wide;
    picture.style.width = `${picture.width}px`;
    let here = -1;
    const paint = () => {
      const pen = picture.getContext('2d'), fill = [style('--nothing'), style('--free'), style('--live')];
      pen.clearRect(0, 0, picture.width, picture.height);
      state.forEach((s, i) => {
        const x = i % across * wide, y = Math.floor(i / across) * wide;
        pen.fillStyle = fill[s];
        pen.fillRect(x, y, wide - 1, wide - 1);
        if (marked.has(i)) {
          pen.fillStyle = style('--text');
          pen.beginPath();
          pen.arc(x + (wide - 1) / 2, y + (wide - 1) / 2, Math.max(1.5, wide / 5), 0, 7);
          pen.fill();
        }
      });
      if (here < 0) return;
      pen.strokeStyle = style('--text');
      pen.lineWidth = 2;
      pen.strokeRect(here % across * wide, Math.floor(here / across) * wide, wide - 1, wide - 1);
    };
    const pick = i => {
      if (i < 0 || i >= state.length) return;
      here = i;
      const known = marked.get(i);
      tell.textContent = `Block ${count(i + 1)} of ${count(state.length)} at 0x${(start + i * size).toString(16)}: ` +
        `${count(size)} bytes, ${['never used or given back', 'free', blocks.known ? 'live' : 'live (by the slab’s count)'][state[i]]}` +
        (known ? `; sampled: ${count(known[0])} bytes asked for by ${sampled.names[known[2]]}, ${seconds(known[1])} old` : '');
      paint();
    };
    const found = event => {
      const there = picture.getBoundingClientRect(), scale = picture.width / there.width;
      return Math.floor((event.clientY - there.top) * scale / wide) * across +
        Math.floor((event.clientX - there.left) * scale / wide);
    };
    picture.onclick = picture.onmousemove = event => pick(found(event));
    picture.onkeydown = event => {
      if (event.key === 'Escape') { event.preventDefault(); shut(); return; }
      const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across}[event.key];
      if (step === undefined) return;
      event.preventDefault();
      pick(Math.max(0, here) + step);
    };
    paint();
  };
  const look = at => {
    choose(at);
    open(at);
    closer.querySelector('canvas')?.focus();
  };
  const scale = step => {
    zoom = Math.max(0, Math.min(sides.length - 1, zoom + step));
    draw();
  };
  const button = (text, words, action) => {
    const made = make('button', tools, text);
    made.setAttribute('aria-label', words);
    made.onclick = action;
  };
  button('−', 'smaller squares', () => scale(-1));
  button('+', 'larger squares', () => scale(1));
  button('a slab with most free blocks', 'show the blocks of a slab that is mostly free', () => {
    let best = -1, most = 0;
    cells.forEach((number, at) => {
      const run = m[number];
      if (run[0] < 2 && run[8]?.length > 16 && run[4] - run[3] > most) { most = run[4] - run[3]; best = at; }
    });
    if (best >= 0) look(best);
  });
  const at = event => {
    const there = canvas.getBoundingClientRect(), ratio = canvas.width / there.width;
    return Math.floor((event.clientY - there.top) * ratio / side) * columns +
      Math.floor((event.clientX - there.left) * ratio / side);
  };
  canvas.onclick = event => look(at(event));
  canvas.onmousemove = event => choose(at(event));
  canvas.onkeydown = event => {
    if (event.key === 'Enter') { event.preventDefault(); look(Math.max(0, chosen)); return; }
    if (event.key === '+' || event.key === '-') { scale(event.key === '+' ? 1 : -1); return; }
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
    `${p.about} Wider is more; callers stand above. Click or Enter looks closer, Escape goes back, arrow keys move.`);
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
    about.textContent = `${name(node)}: ${size(node[1][view])}, ${shareOf(node[1][view], p.tree[1][view])} of ` +
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

for (const fact of data.facts) make('p', facts, fact, 'faint');
if (data.statistics) overview(data.statistics);
if (data.findings?.length) findings(data.findings);
if (data.samples?.time.length > 1) timeline(data.samples);
if (data.profile) flame(data.profile);
if (data.statistics?.classes.length) classes(data.statistics.classes);
if (data.map?.length) map(data.map, data.sampled);
if (data.unknown?.length) {
  const list = make('ul', section('unknown', 'What this cannot know'));
  for (const sentence of data.unknown) make('li', list, sentence);
}
keepDrawn(() => redraws.forEach(draw => draw()));
