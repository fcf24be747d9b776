// What the scripts of all pages share.
const main = document.querySelector('main');
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
const seconds = ms => ms < 1000 ? `${Math.round(ms)} ms` : ms < 120000 ? `${(ms / 1000).toFixed(1)} s`
  : `${Math.floor(ms / 60000)} min ${Math.floor(ms / 1000) % 60} s`;
const shareOf = (part, whole) => whole > 0 ? `${(100 * part / whole).toFixed(part * 10 < whole ? 1 : 0)}%` : '–';

// Curves over seconds: table [[seconds...], [values...]...], lines [{label, stroke, ...}...].
function curves(place, table, lines, unit, height = 300) {
  if (typeof uPlot === 'undefined') {
    make('p', place, 'No curves: this strata was built without uPlot (npm was not there to fetch it).', 'note');
    return;
  }
  const axis = {stroke: style('--faint'), grid: {stroke: style('--line'), width: 1},
    ticks: {stroke: style('--line'), width: 1}};
  new uPlot({
    width: place.clientWidth, height,
    scales: {x: {time: false}, y: {range: (u, low, high) => [0, (high || 1) * 1.05]}},
    axes: [{...axis, label: 'seconds', labelSize: 22}, {...axis, label: unit, size: 62, labelSize: 22}],
    series: [{label: 's', value: (u, v) => v === null ? '–' : v.toFixed(2)}, ...lines.map(line => ({
      width: 2, spanGaps: true, points: {show: false}, value: (u, v) => v === null ? '–' : `${v.toFixed(1)} ${unit}`,
      ...line}))],
  }, table, place);
}

// Draws now, and anew when the reader's colours or the window's width change.
function keepDrawn(draw) {
  draw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  let width = innerWidth, waiting = 0;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(draw, 80);
  });
}
