// Ways to a tape: a file that is chosen or dropped, and the one that the address names.

const byId = (id) => document.getElementById(id);

/** Longest file that fits into the page's 32-bit memory beside what is made of it. Bytes. */
const LONGEST = 1024 ** 3;

/** Why a file can't be taken, for the page. */
export class OpenError extends Error {}

function checkLength(name, length) {
  if (length > LONGEST) {
    throw new OpenError(`${name} has ${(length / 1024 ** 3).toFixed(1)} GiB; the page takes up to 1 GiB. Record fewer operations, or compare it with: heaptape compare ${name}`);
  }
  if (length === 0) throw new OpenError(`${name} is empty (0 bytes).`);
}

async function readFile(file) {
  checkLength(file.name, file.size);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw new OpenError(`${file.name} can't be read: ${error.message}`);
  }
}

async function fetchTape(address, name, progress) {
  let response;
  try {
    response = await fetch(address);
  } catch {
    throw new OpenError(`${name} could not be fetched. Is heaptape view still running?`);
  }
  if (!response.ok) throw new OpenError(`${name} could not be fetched: the server says ${response.status} ${response.statusText}.`);
  const length = Number(response.headers.get('content-length') ?? NaN);
  checkLength(name, length);
  const parts = [];
  let got = 0;
  for await (const part of response.body) {
    parts.push(part);
    got += part.length;
    checkLength(name, got);
    if (length > 0) progress(got / length);
  }
  checkLength(name, got);
  const data = new Uint8Array(got);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return data;
}

/**
 * Listens for tapes. `opened(name, read)` is called with a function that gives the bytes, or fails with an OpenError;
 * `read(progress)` tells the share that is there.
 */
export function listen(opened) {
  const take = (file) => { if (file) opened(file.name, () => readFile(file)); };
  const input = byId('file');
  input.addEventListener('change', () => {
    take(input.files[0]);
    // So that the same file can be chosen again.
    input.value = '';
  });
  byId('welcome-open').addEventListener('click', () => input.click());

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

  // Only a path below this page: an address must not make it fetch from elsewhere.
  const named = new URLSearchParams(location.search).get('tape');
  if (named) {
    // The search part was decoded once; the path is encoded part by part again.
    const path = named.split('/').map(encodeURIComponent).join('/');
    const address = new URL(path, location.href.replace(/[?#].*$/, ''));
    const name = named.split('/').at(-1);
    opened(name, (progress) => fetchTape(address, name, progress));
  }
}
