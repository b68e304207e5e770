// What leaves the page: pictures, and links.

import { note } from './messages.js';

const byId = (id) => document.getElementById(id);

function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The export menu. `map()` and `chart()` give blobs, `name()` what files are called. */
export function bindExports({ map, chart, name }) {
  const [button, menu] = [byId('export-button'), byId('export-menu')];
  const show = (open) => {
    menu.hidden = !open;
    button.ariaExpanded = String(open);
    if (open) menu.querySelector('button').focus();
  };
  button.addEventListener('click', () => show(menu.hidden));
  menu.addEventListener('keydown', (event) => {
    const items = [...menu.querySelectorAll('button')];
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) items[(items.indexOf(document.activeElement) + by + items.length) % items.length].focus();
    if (event.key === 'Escape') {
      show(false);
      button.focus();
    }
  });
  addEventListener('pointerdown', (event) => { if (!button.contains(event.target) && !menu.contains(event.target)) show(false); });
  const run = (make, ending) => async () => {
    show(false);
    const blob = await make();
    save(blob, `${name()}.${ending}`);
    note(`Saved ${name()}.${ending}`);
  };
  byId('export-png').addEventListener('click', run(map, 'png'));
  byId('export-svg').addEventListener('click', run(chart, 'svg'));
}

/** Puts a link on the clipboard; where the browser does not let it, the link is shown to be copied. */
export async function copyLink(address) {
  try {
    await navigator.clipboard.writeText(address);
    note('The link to this view is on the clipboard.');
  } catch {
    const field = document.createElement('textarea');
    field.value = address;
    document.body.append(field);
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    note(copied ? 'The link to this view is on the clipboard.' : `The link to this view: ${address}`);
  }
}
