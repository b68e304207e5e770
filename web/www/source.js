// A tape's bytes for the worker: read at once (a worker may wait), and only those that are wanted.

/** Why a tape can't be had, for the page. */
export class OpenError extends Error {}

/** Tapes up to this are got whole, in the time in which the first few ranges of them would come. Bytes. */
const WHOLE_BYTES = 48 << 20;
/** The same where the server is not on this machine: the overview of the tape should not wait for all of it. */
const WHOLE_BYTES_FAR = 4 << 20;

/** A short tape, whole. */
class MemoryBytes {
  inMemory = true;
  #bytes;

  constructor(buffer) {
    this.#bytes = new Uint8Array(buffer);
  }

  get length() {
    return this.#bytes.length;
  }

  read(from, count) {
    return this.#bytes.subarray(from, from + count);
  }
}

/** The bytes of a file: of a short one at once. */
export async function fileBytes(file) {
  return file.size > WHOLE_BYTES ? new FileBytes(file) : new MemoryBytes(await file.arrayBuffer());
}

/** A file that was chosen or dropped, or what a server sent that knows no ranges. */
class FileBytes {
  inMemory = false;
  #file;
  #reader = new FileReaderSync();

  constructor(file) {
    this.#file = file;
  }

  get length() {
    return this.#file.size;
  }

  read(from, count) {
    return new Uint8Array(this.#reader.readAsArrayBuffer(this.#file.slice(from, from + count)));
  }
}

/** A tape on a server that answers requests for ranges. */
class RangeBytes {
  inMemory = false;
  #address;
  #name;
  length;

  constructor(address, name, length) {
    this.#address = address;
    this.#name = name;
    this.length = length;
  }

  read(from, count) {
    if (count === 0) return new Uint8Array(0);
    const request = new XMLHttpRequest();
    request.open('GET', this.#address, false);
    request.responseType = 'arraybuffer';
    request.setRequestHeader('Range', `bytes=${from}-${from + count - 1}`);
    try {
      request.send();
    } catch {
      throw new OpenError(`${this.#name} can't be fetched any more. Is heaptape view still running?`);
    }
    const whole = `/${this.length}`;
    if (request.status !== 206 || !(request.getResponseHeader('Content-Range') ?? whole).endsWith(whole)) {
      throw new OpenError(`${this.#name} has changed or gone: the server says ${request.status}. Open it again`);
    }
    return new Uint8Array(request.response);
  }
}

async function wholeBody(response, progress) {
  const length = Number(response.headers.get('content-length') ?? NaN);
  const parts = [];
  let got = 0;
  for await (const part of response.body) {
    // In pieces on disk or in memory, as the browser likes; not in the module's memory.
    parts.push(new Blob([part]));
    got += part.length;
    if (length > 0) progress(got / length);
  }
  return fileBytes(new Blob(parts));
}

/** The bytes at an address below the page, in ranges where the server knows them. */
export async function fetched(address, name, progress) {
  let response;
  try {
    response = await fetch(address, { headers: { Range: 'bytes=0-0' } });
  } catch {
    throw new OpenError(`${name} could not be fetched. Is heaptape view still running?`);
  }
  if (response.status === 416) return new MemoryBytes(new ArrayBuffer(0));
  if (!response.ok) throw new OpenError(`${name} could not be fetched: the server says ${response.status} ${response.statusText}.`);
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  if (response.status !== 206 || !total) return wholeBody(response, progress);
  const length = Number(total[1]);
  const near = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(address, location.href).hostname);
  if (length <= (near ? WHOLE_BYTES : WHOLE_BYTES_FAR)) {
    const whole = await fetch(address).then((answer) => answer.arrayBuffer()).catch(() => null);
    if (whole?.byteLength === length) return new MemoryBytes(whole);
  }
  return new RangeBytes(address, name, length);
}
