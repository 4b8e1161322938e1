// Unpacks the data block: base64, gzip, a header in JSON, then typed columns.
// The counterpart of columns.py; it knows nothing of what the columns mean.

const bytesOf = (text) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
};

// Values of up to four bytes; the shifts would cut longer ones. Plane by plane, since reading
// memory in its order is what makes it fast.
const narrow = (raw, start, { length, planes, delta }) => {
  const values = new Int32Array(length);
  for (let plane = 0, at = start; plane < planes; plane++) {
    for (let i = 0; i < length; i++) values[i] |= raw[at++] << (8 * plane);
  }
  let last = 0;
  for (let i = 0; i < length; i++) {
    const value = (values[i] >>> 1) ^ -(values[i] & 1);
    last = delta ? last + value : value;
    values[i] = last;
  }
  return values;
};

const wide = (raw, start, { length, planes, delta }) => {
  const values = new Float64Array(length);
  for (let plane = 0, at = start, weight = 1; plane < planes; plane++, weight *= 256) {
    for (let i = 0; i < length; i++) values[i] += raw[at++] * weight;
  }
  let last = 0;
  for (let i = 0; i < length; i++) {
    const value = values[i] % 2 ? -(values[i] + 1) / 2 : values[i] / 2;
    last = delta ? last + value : value;
    values[i] = last;
  }
  return values;
};

const decode = async (text) => {
  const packed = new Blob([bytesOf(text.trim())]).stream();
  const unpacked = packed.pipeThrough(new DecompressionStream("gzip"));
  const raw = new Uint8Array(await new Response(unpacked).arrayBuffer());
  const size = new DataView(raw.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + size)));
  const places = new Map();
  let at = 4 + size;
  for (const column of header.columns) {
    places.set(column.name, [at, column]);
    at += column.length * column.planes;
  }
  // The values of a column when they are wanted, null if there is none of that name.
  const column = (name) => {
    if (!places.has(name)) return null;
    const [start, described] = places.get(name);
    const read = described.kind === "i32" && described.planes <= 4 ? narrow : wide;
    return read(raw, start, described);
  };
  return { header, column };
};
