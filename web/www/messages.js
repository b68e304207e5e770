// What the page says when something is wrong, and while it works.

const byId = (id) => document.getElementById(id);

/** Shows a message until it is dismissed. `text` may have several lines. */
export function alertUser(title, text) {
  byId('alert-title').textContent = title;
  byId('alert-text').textContent = text;
  byId('alert').hidden = false;
}

/** Takes the message away. */
export function dismiss() {
  byId('alert').hidden = true;
}

let fading = 0;

/** Says something in passing. */
export function note(text) {
  clearTimeout(fading);
  byId('note').textContent = text;
  byId('note').hidden = false;
  fading = setTimeout(() => { byId('note').hidden = true; }, 3500);
}

/** The page's state: `empty`, `loading` or `ready`. */
export function enter(state) {
  document.documentElement.dataset.state = state;
  byId('welcome').hidden = state !== 'empty';
  byId('loading').hidden = state !== 'loading';
  byId('viewer').hidden = state !== 'ready';
  byId('find').hidden = state !== 'ready';
}

/** What is being done, and the share of it. */
export function progress(text, share) {
  if (byId('loading-text').textContent !== text) byId('loading-text').textContent = text;
  byId('loading-bar').value = share;
}

byId('alert-close').addEventListener('click', dismiss);
