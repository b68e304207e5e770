// Keyboard shortcuts, and the list of them that the page shows.

/** Keys, the action of each, and what it does. Several keys of one line share the text. */
const LIST = [
  [[[' ', 'toggle', 'space']], 'play or pause'],
  [[['ArrowLeft', 'back', '←'], ['ArrowRight', 'forward', '→']], 'one event of this heap back or on; with shift 100'],
  [[['Home', 'toStart', 'Home'], ['End', 'toEnd', 'End']], 'start or end'],
  [[['p', 'toPeak', 'P']], 'where this heap holds the most; with shift all threads together'],
  [[['m', 'nextCoalesce', 'M'], ['a', 'nextArena', 'A']], 'the next coalescing, the next new arena; with shift the last before'],
  [[['f', 'firstFailure', 'F']], 'the first refused request'],
  [[['g', 'number', 'G'], ['/', 'search', '/']], 'go to an event; search'],
  [[['j', 'nextBlock', 'J'], ['k', 'previousBlock', 'K']], 'pin the next or the last block on the map'],
  [[['b', 'toMalloc', 'B'], ['e', 'toFree', 'E']], "to the pinned block's malloc, to its free"],
  [[['Escape', 'unpin', 'Esc']], 'let go of the pinned block'],
  [[['+', 'zoomIn', '+'], ['-', 'zoomOut', '−'], ['0', 'zoomFit', '0']], 'zoom the map in, out, to the whole heap; the wheel or two fingers zoom, dragging moves'],
  [[['PageUp', 'pageUp', 'PgUp'], ['PageDown', 'pageDown', 'PgDn']], 'move the map'],
  [[['v', 'nextColour', 'V']], 'colour by state, size, age, thread, size class'],
  [[['[', 'previousHeap', '['], [']', 'nextHeap', ']']], 'heap of the thread before or after'],
  [[['w', 'split', 'W']], 'what if: two policies side by side'],
  [[['r', 'range', 'R']], 'load another range of the tape'],
  [[['c', 'copyLink', 'C'], ['d', 'theme', 'D'], ['o', 'open', 'O']], 'copy the link, light or dark, open a tape'],
  [[['?', 'help', '?']], 'this list'],
];

const KEYS = new Map([['=', 'zoomIn'], ...LIST.flatMap(([keys]) => keys.map(([key, action]) => [key, action]))]);
const SHIFTED = new Map([
  ['ArrowLeft', 'backMany'], ['ArrowRight', 'forwardMany'], ['p', 'toPeakOfAll'], ['m', 'lastCoalesce'], ['a', 'lastArena'],
]);

/** Whether the element needs the key for itself. */
function taken(element, key) {
  if (element.closest('dialog')) return true;
  // Escape closes what is open before it lets go of a block.
  if (key === 'Escape' && document.querySelector('.popover:not([hidden])')) return true;
  if (element.matches('select, textarea, input:not([type="range"])')) return key !== 'Escape';
  if (element.matches('button, a, summary')) return key === ' ';
  if (element.matches('[role="tab"]')) return key.startsWith('Arrow');
  return false;
}

/** Fills the page's list of shortcuts. */
function fillList(list) {
  list.replaceChildren(...LIST.flatMap(([keys, text]) => {
    const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
    keys.forEach(([, , label], index) => {
      const kbd = document.createElement('kbd');
      kbd.textContent = label;
      dt.append(...(index > 0 ? [' '] : []), kbd);
    });
    dd.textContent = text;
    return [dt, dd];
  }));
}

/** Calls `actions[name]()` for each shortcut. */
export function bindKeys(actions, list) {
  fillList(list);
  // Before the slider sees them: its arrows would move by events of the tape, these by events of the heap.
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const name = (event.shiftKey && SHIFTED.get(key)) || KEYS.get(key);
    if (!name || taken(event.target instanceof Element ? event.target : document.body, key)) return;
    event.preventDefault();
    actions[name]();
  }, { capture: true });
}
