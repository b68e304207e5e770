// Pointer, finger and wheel on the map: what a person means by them.
//
// A mouse points, clicks, drags and turns its wheel. One finger taps or drags, two pinch. Where there is nothing to move, a
// finger that goes up or down moves the page, as everywhere else.

/** What moves less than this was a click or a tap, in CSS pixels; fingers shake more than mice. */
const STILL = { mouse: 3, pen: 4, touch: 8 };

/** How far fingers go apart or together for one step of the zoom: a factor, as its binary logarithm. */
const PINCH = 0.5;

const middle = (points) => {
  const [one, other] = [...points];
  return { clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 };
};

const spread = (points) => {
  const [one, other] = [...points];
  return Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
};

/**
 * Listens to a canvas. `map` knows `position(point)`, `rowHeight`, `scroll(rows)`, `zoom(steps, position)`, `hover(position)` and
 * `click(position)`; points have `clientX` and `clientY`, positions may be null.
 */
export function bindGestures(canvas, map) {
  /** The pointers that are down; what they do: where a drag goes on from, whether it moved, how far apart a pinch was. */
  const down = new Map();
  let drag = null;

  const begin = (moved) => {
    const points = [...down.values()];
    if (points.length === 1) drag = { y: points[0].clientY, moved };
    else if (points.length === 2) drag = { spread: spread(points), moved: true };
    else drag = null;
    if (!drag) canvas.classList.remove('dragging');
  };

  const pinch = () => {
    const now = spread(down.values());
    const steps = Math.trunc(Math.log2(now / drag.spread) / PINCH);
    if (steps === 0) return;
    const at = map.position(middle(down.values()));
    drag.spread = now;
    if (at !== null) map.zoom(steps, at);
  };

  const pan = (event) => {
    const way = drag.y - event.clientY;
    if (!drag.moved && Math.abs(way) <= (STILL[event.pointerType] ?? STILL.mouse)) return;
    drag.moved = true;
    canvas.classList.add('dragging');
    const rows = Math.round(way / map.rowHeight);
    if (rows === 0) return;
    // What is less than a row is not lost.
    drag.y -= rows * map.rowHeight;
    map.scroll(rows);
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button > 0) return;
    down.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
    begin(false);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (down.has(event.pointerId)) down.set(event.pointerId, event);
    if (drag?.spread) pinch();
    else if (drag) pan(event);
    // A finger covers what it touches: it shows a block by a tap.
    if (event.pointerType !== 'touch') map.hover(map.position(event));
  });
  canvas.addEventListener('pointerup', (event) => {
    if (!down.delete(event.pointerId)) return;
    if (drag && !drag.moved) map.click(map.position(event));
    // The finger that stays after a pinch drags on from where it is.
    begin(true);
  });
  canvas.addEventListener('pointercancel', (event) => {
    down.delete(event.pointerId);
    begin(true);
  });
  canvas.addEventListener('pointerleave', (event) => { if (event.pointerType !== 'touch') map.hover(null); });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const position = map.position(event);
    if (event.shiftKey) map.scroll(Math.sign(event.deltaY || event.deltaX) * 3);
    else if (position !== null && event.deltaY !== 0) map.zoom(event.deltaY < 0 ? 1 : -1, position);
  }, { passive: false });
}
