// The whole view in the address, so that a reload or a link comes back to it.
//
// #heap=2&event=31601&at=1d0040&zoom=5&from=1c8000&colour=size&panes=;coalesce=off&tab=bins&chart=all&span=whole&range=0-60000&tape=…&name=…

const COLOURS = ['state', 'size', 'age', 'thread', 'class'];
const TABS = ['heap', 'bins', 'free', 'arenas', 'threads'];
const CHARTS = ['heap', 'all', 'rate', 'footprint', 'splits'];

const whole = (text) => (/^\d{1,10}$/.test(text ?? '') ? Number(text) : null);
const hex = (text) => (/^[0-9a-f]{1,12}$/i.test(text ?? '') ? parseInt(text, 16) : null);
const among = (list, text) => (list.includes(text) ? text : null);

/** The view that an address (or only its part from # on) names; what it does not name is null. */
export function parseLink(address) {
  const at = address.indexOf('#');
  const fields = new URLSearchParams(at < 0 ? address : address.slice(at + 1));
  const range = /^(\d{1,10})-(\d{1,10})$/.exec(fields.get('range') ?? '');
  return {
    heap: whole(fields.get('heap')),
    event: whole(fields.get('event')),
    at: hex(fields.get('at')),
    pane: whole(fields.get('pane')),
    zoom: whole(fields.get('zoom')),
    from: hex(fields.get('from')),
    colour: among(COLOURS, fields.get('colour')),
    panes: fields.has('panes') ? fields.get('panes').split(';').slice(0, 2) : null,
    tab: among(TABS, fields.get('tab')),
    chart: among(CHARTS, fields.get('chart')),
    whole: fields.get('span') === 'whole',
    range: range ? [Number(range[1]), Number(range[2])] : null,
    tape: /^[0-9a-f]{16}$/.test(fields.get('tape') ?? '') ? fields.get('tape') : null,
    name: fields.get('name'),
  };
}

/** The part of an address from # on that names a view; what is null or as usual is left out. */
export function formatLink(view) {
  const fields = [];
  const add = (name, value) => { if (value !== null && value !== undefined) fields.push(`${name}=${encodeURIComponent(value)}`); };
  add('heap', view.heap);
  add('event', view.event);
  add('at', view.at?.toString(16));
  if (view.pane) add('pane', view.pane);
  if (view.zoom) {
    add('zoom', view.zoom);
    add('from', view.from.toString(16));
  }
  if (view.colour !== 'state') add('colour', view.colour);
  if (view.panes.length > 1 || view.panes[0] !== '') add('panes', view.panes.join(';'));
  if (view.tab !== 'heap') add('tab', view.tab);
  if (view.chart !== 'heap') add('chart', view.chart);
  if (view.whole) add('span', 'whole');
  add('range', view.range?.join('-'));
  add('tape', view.tape);
  add('name', view.name);
  return `#${fields.join('&')}`;
}
