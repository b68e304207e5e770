// The search field and what was found.

import { address, bytes, count, plural } from './format.js';
import { make } from './panels.js';

const byId = (id) => document.getElementById(id);

/**
 * Listens to the search field. `search(query)` answers as the module does; `goTo(position, heap)` goes to an event, which is of
 * that heap if it is not null, `pin(position)` to a place in the heap.
 */
export function bindSearch({ search, goTo, pin, openLink }) {
  const [field, box] = [byId('search'), byId('found')];
  let [results, chosen, query] = [[], -1, ''];

  const close = () => {
    box.hidden = true;
    results = [];
    query = '';
  };

  const choose = (index) => {
    chosen = (index + results.length) % results.length;
    [...box.querySelectorAll('li button')].forEach((button, at) => button.setAttribute('aria-current', at === chosen));
    box.querySelectorAll('li')[chosen]?.scrollIntoView({ block: 'nearest' });
    pin(results[chosen][0]);
  };

  const show = (found) => {
    if (found.kind === 'event') {
      close();
      goTo(found.position, found.heap);
    } else if (found.kind === 'address') {
      close();
      pin(found.at);
    } else if (found.kind === 'nothing') {
      results = [];
      box.replaceChildren(make('p', { class: 'hint', role: 'status' }, found.reason));
      box.hidden = false;
    } else {
      results = found.blocks;
      const more = found.count > results.length ? `, the largest ${results.length} listed` : '';
      const items = results.map(([at, size, maker], index) => (
        make('li', {}, make('button', { type: 'button', on: () => choose(index) },
          make('span', { class: 'mono' }, address(at)), ` ${count(size)} B · #${count(maker)}`))));
      box.replaceChildren(make('p', { role: 'status' }, `${plural(found.count, 'block')}, ${bytes(found.bytes)}${more}. Enter goes on to the next.`), make('ol', {}, ...items));
      box.hidden = false;
      choose(0);
    }
  };

  byId('search-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const asked = field.value.trim();
    if (asked === '') return;
    // A link that somebody sent may be pasted here too.
    if (/#.*=/.test(asked)) {
      close();
      openLink(asked);
    } else if (asked === query && results.length > 0) {
      choose(chosen + 1);
    } else {
      const found = await search(asked);
      query = asked;
      if (found) show(found);
    }
  });
  field.addEventListener('input', () => { if (field.value === '') close(); });
  addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    if (document.activeElement === field) field.blur();
    close();
  });
  addEventListener('pointerdown', (event) => { if (!byId('find').contains(event.target)) close(); });
}
