// Paints a span of time on the canvas. A lane whose events have room shows each as a mark and
// each delivery as a bar; another shows how many there are and how busy it was, pixel by
// pixel. Faults, findings and the selection are always marks. It changes nothing but pixels.

const AXIS = 26;
const ROOM = 3; // pixels that an event needs to be a mark of its own
const STOP_ROOM = 9; // and a fault or a finding among others of its kind
const LABEL = 28; // pixels that a bar needs to carry the number of its job

const COLOURS = ["text", "faint", "ground", "grid", "busy", "good", "warn", "bad", "other", "shade"];

const coloursOf = (element) => {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLOURS.map((n) => [n, style.getPropertyValue(`--jq-tl-${n}`).trim()]));
};

const laneHeightFor = (lanes) => (lanes <= 10 ? 40 : lanes <= 30 ? 28 : lanes <= 100 ? 16 : 10);

// Where things are: pixels of time and lanes, and back.
const layoutOf = (width, lanes, view) => {
  const gutter = width < 500 ? 58 : 92;
  const laneHeight = laneHeightFor(lanes);
  const plot = Math.max(40, width - gutter - 8);
  const perSecond = plot / (view.to - view.from);
  return {
    width,
    gutter,
    plot,
    laneHeight,
    height: AXIS + lanes * laneHeight + 4,
    perSecond,
    x: (t) => gutter + (t - view.from) * perSecond,
    time: (x) => view.from + (x - gutter) / perSecond,
    top: (lane) => AXIS + lane * laneHeight,
    radius: Math.min(6, laneHeight / 5),
  };
};

// Steps of 1, 2 or 5 of some power of ten, about a hundred pixels apart.
const ticksOf = (view, layout) => {
  const rough = Math.max(((view.to - view.from) * 100) / layout.plot, 1e-6);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((n) => n * power >= rough) * power;
  const digits = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const ticks = [];
  for (let n = Math.ceil(view.from / step); n * step <= view.to; n++) {
    ticks.push([n * step, `${(n * step).toFixed(digits)} s`]);
  }
  return ticks;
};

// scene: { events, view, pass, job, selected, colours, strip } of what is to be seen.
const paint = (canvas, layout, scene) => {
  const ratio = window.devicePixelRatio || 1;
  const size = [Math.round(layout.width * ratio), Math.round(layout.height * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const c = canvas.getContext("2d", { alpha: false });
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.fillStyle = scene.colours.ground;
  c.fillRect(0, 0, layout.width, layout.height);
  paintGrid(c, layout, scene);
  c.save();
  c.beginPath();
  c.rect(layout.gutter, 0, layout.plot, layout.height);
  c.clip();
  paintWindows(c, layout, scene);
  const marks = new Map();
  const { events, view, pass } = scene;
  const dense = [];
  events.lanes.forEach((lane, number) => {
    const [first, last] = between(events, lane, view.from, view.to);
    let passes = 0;
    for (let i = first; i < last; i++) passes += pass[i];
    if (passes * ROOM > layout.plot) dense.push({ number, first, last });
    else paintLane(c, layout, scene, { number, first, last }, marks);
  });
  paintDense(c, layout, scene, dense, ratio);
  collectStops(layout, scene, dense, marks);
  for (const { mark, places, dim } of marks.values()) {
    c.globalAlpha = dim ? 0.3 : 1;
    drawMarks(c, mark, places, layout.radius, scene.colours);
  }
  c.globalAlpha = 1;
  paintSelected(c, layout, scene);
  c.restore();
};

const paintGrid = (c, layout, { events, view, colours }) => {
  c.font = "12px system-ui, sans-serif";
  c.textBaseline = "middle";
  c.textAlign = "center";
  c.strokeStyle = colours.grid;
  c.lineWidth = 1;
  c.beginPath();
  c.fillStyle = colours.text;
  for (const [t, label] of ticksOf(view, layout)) {
    const x = Math.round(layout.x(t)) + 0.5;
    line(c, x, AXIS - 4, x, layout.height);
    const half = c.measureText(label).width / 2;
    if (x + half <= layout.width && x - half >= 0) c.fillText(label, x, AXIS / 2 - 1);
  }
  c.textAlign = "left";
  events.lanes.forEach((lane, number) => {
    const bottom = layout.top(number + 1) - 0.5;
    line(c, 0, bottom, layout.width, bottom);
    if (layout.laneHeight < 13 && number % 2) return;
    c.fillText(lane.name, 4, layout.top(number) + layout.laneHeight / 2, layout.gutter - 8);
  });
  c.stroke();
};

// Shaded and striped, so that it is not the colour alone that tells.
const paintWindows = (c, layout, { events, view, colours }) => {
  c.fillStyle = c.strokeStyle = colours.shade;
  c.lineWidth = 1;
  for (const { lane, from, to } of events.header.windows) {
    if (to < view.from || from > view.to) continue;
    const left = Math.max(layout.gutter, layout.x(from));
    const right = Math.min(layout.gutter + layout.plot, Math.max(layout.x(to), left + 2));
    const top = lane < 0 ? AXIS : layout.top(lane);
    const height = lane < 0 ? layout.height - AXIS : layout.laneHeight;
    c.globalAlpha = 0.22;
    c.fillRect(left, top, right - left, height);
    c.globalAlpha = 0.6;
    c.save();
    c.beginPath();
    c.rect(left, top, right - left, height);
    c.clip();
    c.beginPath();
    for (let x = left - height; x < right; x += 12) line(c, x, top + height, x + height, top);
    line(c, left + 0.5, top, left + 0.5, top + height);
    c.stroke();
    c.restore();
  }
  c.globalAlpha = 1;
};

const add = (marks, mark, key, x, y, dim = false) => {
  const found = marks.get(key);
  if (found) found.places.push(x, y);
  else marks.set(key, { mark, places: [x, y], dim });
};

const heightOf = (mark, layout, lane) =>
  layout.top(lane) + layout.laneHeight * (0.5 + 0.34 * mark.height);

const addEvent = (marks, layout, { events, job }, i, lane) => {
  const kind = events.event[i];
  const mark = markOf(kind);
  const dim = job >= 0 && events.job[i] !== job;
  const x = layout.x(events.t[i]);
  const y = heightOf(mark, layout, lane);
  add(marks, mark, `${kind} ${dim}`, x, y, dim);
  if (isRefused(events.answer[i])) add(marks, REFUSED, `refused ${dim}`, x, y, dim);
  if (events.of.has(i)) add(marks, POINTER, "pointer", x, heightOf(POINTER, layout, lane) + 3);
};

const paintLane = (c, layout, scene, { number, first, last }, marks) => {
  paintBars(c, layout, scene, number);
  for (let i = first; i < last; i++) if (scene.pass[i]) addEvent(marks, layout, scene, i, number);
};

const barOf = (layout, number) => [
  layout.top(number) + layout.laneHeight * 0.36,
  layout.laneHeight * 0.52,
];

const paintBars = (c, layout, scene, number) => {
  const { events, view, pass, colours, job } = scene;
  const { first, until } = events.deliveries[number];
  const [top, height] = barOf(layout, number);
  for (let d = 0; d < first.length; d++) {
    const i = first[d];
    if (events.t[i] > view.to) break;
    if (until[d] < view.from || !pass[i]) continue;
    const left = layout.x(events.t[i]);
    const width = Math.max(1.5, layout.x(until[d]) - left);
    const wronged = events.wronged.has(events.job[i]);
    c.globalAlpha = job >= 0 && events.job[i] !== job ? 0.15 : 0.45;
    c.fillStyle = colours.busy;
    c.fillRect(left, top, width, height);
    c.globalAlpha = 1;
    c.strokeStyle = wronged ? colours.bad : colours.busy;
    c.lineWidth = wronged ? 2.5 : 1;
    c.strokeRect(left, top, width, height);
    if (wronged) hatch(c, left, top, width, height);
    label(c, layout, scene, i, left, width, top + height / 2);
  }
};

const hatch = (c, left, top, width, height) => {
  const from = Math.max(left, -20);
  const to = Math.min(left + width, 20000);
  c.save();
  c.beginPath();
  c.rect(left, top, width, height);
  c.clip();
  c.lineWidth = 1;
  c.beginPath();
  for (let x = from - height; x < to; x += 6) line(c, x, top, x + height, top + height);
  c.stroke();
  c.restore();
};

const label = (c, layout, { events, colours }, i, left, width, y) => {
  if (width < LABEL || layout.laneHeight < 26 || events.job[i] < 0) return;
  const text = String(events.id[events.job[i]]);
  const start = Math.max(left, layout.gutter) + 12;
  if (c.measureText(text).width + start > left + width - 6) return;
  c.fillStyle = colours.text;
  c.fillText(text, start, y);
};

// One row of pixels for each stripe of each dense lane, then stretched to the stripe's height.
const paintDense = (c, layout, scene, dense, ratio) => {
  if (!dense.length) return;
  const columns = Math.round(layout.plot * ratio);
  const image = new ImageData(columns, dense.length * 2);
  const pixels = new Uint32Array(image.data.buffer);
  const counted = dense.map((lane) => countsOf(scene, layout, lane, columns));
  let most = 1;
  for (const { counts } of counted) for (const n of counts) if (n > most) most = n;
  const [text, busy] = [scene.colours.text, scene.colours.busy].map(packedOf);
  counted.forEach(({ counts, held }, row) => {
    for (let x = 0; x < columns; x++) {
      const many = counts[x] ? 0.15 + (0.75 * Math.log1p(counts[x])) / Math.log1p(most) : 0;
      const hold = held[x] > 0 ? 0.15 + 0.75 * Math.min(1, held[x]) : 0;
      pixels[row * 2 * columns + x] = text | ((many * 255) << 24);
      pixels[(row * 2 + 1) * columns + x] = busy | ((hold * 255) << 24);
    }
  });
  scene.strip.width = columns;
  scene.strip.height = dense.length * 2;
  scene.strip.getContext("2d").putImageData(image, 0, 0);
  c.imageSmoothingEnabled = false;
  dense.forEach(({ number }, row) => {
    const [top, height] = barOf(layout, number);
    const above = layout.top(number) + 2;
    stretch(c, scene.strip, row * 2, layout, above, top - above - 1);
    stretch(c, scene.strip, row * 2 + 1, layout, top, height);
  });
};

const stretch = (c, strip, row, layout, top, height) =>
  c.drawImage(strip, 0, row, strip.width, 1, layout.gutter, top, layout.plot, height);

// A colour of the style, #rrggbb, as the lower three bytes of a pixel.
const packedOf = (colour) => {
  const number = parseInt(colour.slice(1), 16);
  return (number >> 16) | (number & 0xff00) | ((number & 0xff) << 16);
};

// Per pixel: how many events pass, and what part of its time the lane held a delivery.
const countsOf = ({ events, view, pass }, layout, { number, first, last }, columns) => {
  const { t } = events;
  const perSecond = columns / (view.to - view.from);
  const counts = new Uint32Array(columns + 1);
  for (let i = first; i < last; i++) counts[((t[i] - view.from) * perSecond) | 0] += pass[i];
  const held = new Float32Array(columns + 1);
  const { first: begins, until } = events.deliveries[number];
  for (let d = 0; d < begins.length && t[begins[d]] <= view.to; d++) {
    if (until[d] < view.from || !pass[begins[d]]) continue;
    const from = Math.max(0, (t[begins[d]] - view.from) * perSecond);
    const to = Math.min(columns, (until[d] - view.from) * perSecond);
    const [left, right] = [from | 0, to | 0];
    if (left === right) held[left] += to - from;
    else {
      held[left] += left + 1 - from;
      held.fill(1, left + 1, right);
      held[right] += to - right;
    }
  }
  return { counts, held };
};

// Faults and findings of dense lanes, one for each two pixels, as all in one place look alike.
// Where even they have no room they are ticks: findings at the top of the lane, faults below.
const collectStops = (layout, scene, dense, marks) => {
  const { events, view, pass } = scene;
  const crowded = new Set(dense.map(({ number }) => number));
  const places = new Map();
  for (const i of events.notable) {
    const at = events.t[i];
    if (at < view.from || at > view.to || !pass[i] || !crowded.has(events.lane[i])) continue;
    const kind = events.struck.has(i) ? FAULT : POINTER;
    const key = events.lane[i] * 2 + (kind === FAULT ? 1 : 0);
    const place = (layout.x(at) / 2) | 0;
    if (!places.has(key)) places.set(key, { lane: events.lane[i], kind, at: new Set() });
    places.get(key).at.add(place * 2);
  }
  for (const { lane, kind, at } of places.values()) {
    const crowd = at.size * STOP_ROOM > layout.plot;
    const mark = crowd ? CROWD : kind;
    const above = kind === FAULT ? 0.28 : 0.1;
    const y = crowd
      ? layout.top(lane) + layout.laneHeight * above
      : heightOf(kind, layout, lane);
    for (const x of at) add(marks, mark, `${mark.shape} of a crowd`, x, y);
  }
  if (scene.job < 0) return;
  for (let i = 0; i < events.count; i++) {
    const here = events.job[i] === scene.job && crowded.has(events.lane[i]) && pass[i];
    if (here) addEvent(marks, layout, scene, i, events.lane[i]);
  }
};

const paintSelected = (c, layout, { events, selected, colours }) => {
  if (selected < 0) return;
  const x = layout.x(events.t[selected]);
  const y = heightOf(markOf(events.event[selected]), layout, events.lane[selected]);
  c.strokeStyle = colours.text;
  c.lineWidth = 1;
  c.beginPath();
  line(c, x, AXIS, x, layout.height);
  c.stroke();
  c.lineWidth = 2.5;
  c.beginPath();
  c.arc(x, y, layout.radius + 5, 0, 2 * Math.PI);
  c.stroke();
};
