// Keyboard shortcuts; the page's help lists the same.

const KEYS = new Map([
  [' ', 'toggle'], ['ArrowLeft', 'back'], ['ArrowRight', 'forward'], ['Home', 'toStart'], ['End', 'toEnd'], ['p', 'toPeak'],
  ['g', 'number'], ['[', 'previousHeap'], [']', 'nextHeap'], ['+', 'zoomIn'], ['=', 'zoomIn'], ['-', 'zoomOut'], ['0', 'zoomFit'],
  ['o', 'open'], ['Escape', 'unpin'], ['?', 'help'],
]);
const SHIFTED = new Map([['ArrowLeft', 'backMany'], ['ArrowRight', 'forwardMany']]);

/** Whether the element needs the key for itself. */
function taken(element, key) {
  if (element.closest('dialog')) return true;
  if (element.matches('select, input[type="number"]')) return true;
  if (element.matches('button, a')) return key === ' ';
  return false;
}

/** Calls `actions[name]()` for each shortcut. */
export function bindKeys(actions) {
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
