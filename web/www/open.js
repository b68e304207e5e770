// Ways to a tape: a file that is chosen or dropped, a sample, the one that the address names, or one that another page of
// this browser has open.

const byId = (id) => document.getElementById(id);

/** Small recordings that come with the page. */
const SAMPLES = [
  ['basic.tape', 'basic', 'Four threads exchange blocks through one shared array'],
  ['ephemeral.tape', 'ephemeral', 'Short-lived blocks, as a server makes them'],
  ['large.tape', 'large', 'Sizes over four orders of magnitude, threads that come and go'],
];

/** Pages ask one another for the file that a link means; only files and names pass, and only within this browser. */
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('heaptape') : null;

/** Offers the file that is open to other pages. */
let offered = null;
export function offer(tape, file) {
  offered = file ? { tape, file } : null;
}

channel?.addEventListener('message', ({ data }) => {
  if (data.wanted && data.wanted === offered?.tape) channel.postMessage({ tape: offered.tape, file: offered.file });
});

/** The file of a tape that another page has open, or null after half a second. */
export function ask(tape) {
  if (!channel) return Promise.resolve(null);
  return new Promise((resolve) => {
    const heard = ({ data }) => {
      if (data.tape !== tape || !(data.file instanceof File)) return;
      channel.removeEventListener('message', heard);
      resolve(data.file);
    };
    channel.addEventListener('message', heard);
    channel.postMessage({ wanted: tape });
    setTimeout(() => {
      channel.removeEventListener('message', heard);
      resolve(null);
    }, 500);
  });
}

/** What an address of a tape below this page may be: no other place. */
function below(path) {
  const url = new URL(path.split('/').map(encodeURIComponent).join('/'), location.href.replace(/[?#].*$/, ''));
  return url.href;
}

/** The tape that the address names, as a source, or null. */
export function named() {
  const path = new URLSearchParams(location.search).get('tape');
  // The search part was decoded once; the path is encoded part by part again.
  return path ? { name: path.split('/').at(-1), address: below(path), path } : null;
}

/** Listens for tapes. `opened(source)` is called with `{ name, file }` or `{ name, address, path }`. */
export function listen(opened) {
  const take = (file) => { if (file) opened({ name: file.name, file }); };
  const input = byId('file');
  input.addEventListener('change', () => {
    take(input.files[0]);
    // So that the same file can be chosen again.
    input.value = '';
  });
  byId('welcome-open').addEventListener('click', () => input.click());
  byId('samples').replaceChildren(...SAMPLES.map(([file, title, text]) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sample';
    const [head, line] = [document.createElement('b'), document.createElement('span')];
    head.textContent = title;
    line.textContent = text;
    button.append(head, line);
    button.addEventListener('click', () => {
      const path = `samples/${file}`;
      opened({ name: file, address: below(path), path });
    });
    return button;
  }));

  let depth = 0;
  const dropping = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle('dropping', depth > 0);
  };
  addEventListener('dragenter', (event) => { event.preventDefault(); dropping(1); });
  addEventListener('dragleave', () => dropping(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    dropping(-depth);
    take(event.dataTransfer?.files[0]);
  });
}
