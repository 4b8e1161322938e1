// Unpacks the data block: base64, gzip, a header in JSON, then typed columns.
// The counterpart of columns.py; it knows nothing of what the columns mean.

const bytesOf = (text) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
};

// Values of up to four bytes; the shifts would cut longer ones.
const narrow = (raw, start, { length, planes, delta }) => {
  const values = new Int32Array(length);
  let last = 0;
  for (let i = 0; i < length; i++) {
    let coded = 0;
    for (let plane = 0, at = start + i; plane < planes; plane++, at += length) {
      coded |= raw[at] << (8 * plane);
    }
    const value = (coded >>> 1) ^ -(coded & 1);
    last = delta ? last + value : value;
    values[i] = last;
  }
  return values;
};

const wide = (raw, start, { length, planes, delta }) => {
  const values = new Float64Array(length);
  let last = 0;
  for (let i = 0; i < length; i++) {
    let coded = 0;
    let weight = 1;
    for (let plane = 0, at = start + i; plane < planes; plane++, at += length) {
      coded += raw[at] * weight;
      weight *= 256;
    }
    const value = coded % 2 ? -(coded + 1) / 2 : coded / 2;
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
  const columns = {};
  let at = 4 + size;
  for (const column of header.columns) {
    const read = column.kind === "i32" && column.planes <= 4 ? narrow : wide;
    columns[column.name] = read(raw, at, column);
    at += column.length * column.planes;
  }
  return { header, columns };
};
