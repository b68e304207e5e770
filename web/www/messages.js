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

/** The page's state: `empty`, `loading` or `ready`. */
export function enter(state) {
  document.documentElement.dataset.state = state;
  byId('welcome').hidden = state !== 'empty';
  byId('loading').hidden = state !== 'loading';
  byId('viewer').hidden = state !== 'ready';
}

/** What is being done, and the share of it. */
export function progress(text, share) {
  if (byId('loading-text').textContent !== text) byId('loading-text').textContent = text;
  byId('loading-bar').value = share;
}

byId('alert-close').addEventListener('click', dismiss);
