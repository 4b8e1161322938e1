// The events of a run as the browser needs them: lanes, deliveries, order in time, what the
// findings point at, and which events pass the filters. Times are in seconds. Draws nothing.

const FOR_NOBODY = -1;

// How the kinds of events are numbered that make a delivery; see harness/events.py.
const WORKER_EXITED = 2;
const LEASED = 5;
const FINISHED = 7;
const LEASE_LOST = 14;

// What must be known to paint; see orderOf for the rest.
const OF_EVENTS = ["event", "answer", "job", "token", "tick", "strike"];
const FIRST = [...OF_EVENTS, "id", "outcome", "queue", "whose", "points", "at"];

const eventsOf = ({ header, column }) => {
  const columns = Object.fromEntries(FIRST.map((name) => [name, column(name)]));
  const count = columns.event.length;
  const lane = new Uint16Array(count);
  const lanes = [];
  let start = 0;
  header.lanes.forEach((each, number) => {
    lanes.push({ ...each, start, end: start + each.size });
    lane.fill(number, start, start + each.size);
    start += each.size;
  });
  const t = new Float64Array(count);
  for (let i = 0; i < count; i++) t[i] = columns.tick[i] * header.tick;
  const events = { header, column, ...columns, count, lane, lanes, t };
  events.end = Math.max(header.end, header.tick);
  events.deliveries = lanes.map((each) => deliveriesOf(events, each));
  markFindings(events);
  return events;
};

// Deliveries in the order in which they began: the event that began each, and when it ended.
const deliveriesOf = ({ event, job, token, t, end }, lane) => {
  const first = [];
  const until = [];
  const open = new Map();
  for (let i = lane.start; i < lane.end; i++) {
    if (event[i] === LEASED) {
      open.set(job[i], first.length);
      first.push(i);
      until.push(end);
    } else if (event[i] === FINISHED || event[i] === LEASE_LOST) {
      const delivery = open.get(job[i]);
      if (delivery !== undefined && token[first[delivery]] === token[i]) {
        until[delivery] = t[i];
        open.delete(job[i]);
      }
    } else if (event[i] === WORKER_EXITED) {
      for (const delivery of open.values()) until[delivery] = t[i];
      open.clear();
    }
  }
  return { first: Int32Array.from(first), until: Float64Array.from(until) };
};

// wronged: jobs with a finding; of: the findings that point at an event; notable: all such
// events and all faults; stops: the faults and the first event of each finding, where the keys
// n and p go, in the order of the lanes until orderOf has sorted them.
const markFindings = (events) => {
  const { header, event, count } = events;
  events.wronged = new Set();
  events.of = new Map();
  const firsts = [];
  let place = 0;
  for (let number = 0; number < header.findings.length; number++) {
    if (events.whose[number] >= 0) events.wronged.add(events.whose[number]);
    const end = place + events.points[number];
    if (place < end) firsts.push(events.at[place]);
    for (; place < end; place++) {
      const i = events.at[place];
      events.of.set(i, [...(events.of.get(i) ?? []), number]);
    }
  }
  events.struck = new Map();
  for (let i = 0; i < count; i++) {
    if (event[i] === header.strike) events.struck.set(i, events.strike[events.struck.size]);
  }
  events.notable = Int32Array.from(new Set([...events.struck.keys(), ...events.of.keys()]));
  events.stops = Int32Array.from(new Set([...events.struck.keys(), ...firsts]));
};

// byTime: the events in order of time, and rank: the place of each therein. The order of
// ticks and lanes is the true one but for what rounding swapped, which the block tells.
// row: by rank, the row of each event in the history; null in a sample.
const orderOf = (events) => {
  const { count, lane, lanes, tick } = events;
  const swap = events.column("swap");
  events.row = events.column("row");
  const width = lanes.length;
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = tick[i] * width + lane[i];
  keys.sort();
  const next = lanes.map((each) => each.start);
  events.byTime = new Int32Array(count);
  events.rank = new Int32Array(count);
  for (let g = 0; g < count; g++) {
    const i = next[((keys[g] % width) + width) % width]++;
    events.byTime[g + swap[g]] = i;
    events.rank[i] = g + swap[g];
  }
  events.stops.sort((a, b) => events.rank[a] - events.rank[b]);
};

// The first place between low and high where above(place) holds; high if there is none.
const firstWhere = (low, high, above) => {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (above(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
};

// The events of a lane from one time to another, as the first and the one behind the last.
const between = ({ t }, lane, from, to) => {
  const first = firstWhere(lane.start, lane.end, (i) => t[i] >= from);
  return [first, firstWhere(first, lane.end, (i) => t[i] > to)];
};

const noFilter = (header) => ({
  lane: FOR_NOBODY,
  queue: FOR_NOBODY,
  outcome: FOR_NOBODY,
  kinds: new Set(Object.keys(header.kinds).map(Number)),
});

// For each event 1 or 0: does it pass? Of the events of no job only faults pass when a queue or
// an outcome is asked for, since they strike jobs that they do not name.
const passing = (events, filter) => {
  const { count, event, lane, job, queue, outcome, header } = events;
  const pass = new Uint8Array(count);
  const kinds = new Uint8Array(256);
  for (const kind of filter.kinds) kinds[kind] = 1;
  const ofJobs = filter.queue >= 0 || filter.outcome >= 0;
  for (let i = 0; i < count; i++) {
    if (!kinds[event[i]] || (filter.lane >= 0 && lane[i] !== filter.lane)) continue;
    const of = job[i];
    if (of < 0) {
      pass[i] = !ofJobs || event[i] === header.strike ? 1 : 0;
      continue;
    }
    if (filter.queue >= 0 && queue[of] !== filter.queue) continue;
    if (filter.outcome >= 0 && outcome[of] !== filter.outcome) continue;
    pass[i] = 1;
  }
  return pass;
};

// The passing events, or those of one job among them, in order of time.
const shownOf = ({ count, byTime, job }, pass, only) => {
  const shown = new Int32Array(count);
  let size = 0;
  for (let g = 0; g < count; g++) {
    const i = byTime[g];
    if (pass[i] && (only < 0 || job[i] === only)) shown[size++] = i;
  }
  return shown.subarray(0, size);
};

// The place of a job's number among the jobs that are here, or -1.
const jobOf = ({ id }, number) => {
  const place = firstWhere(0, id.length, (i) => id[i] >= number);
  return id[place] === number ? place : FOR_NOBODY;
};

// What is known of an event besides its columns, in sentences.
const knownOf = ({ header, struck, of, wronged, job }, i, whole) => {
  const told = struck.has(i) ? [header.texts[struck.get(i)]] : [];
  const pointing = of.get(i) ?? [];
  for (const number of pointing) {
    const [title, sentence] = header.findings[number];
    told.push(`finding: ${title}${whole ? ` (${sentence})` : ""}`);
  }
  if (!pointing.length && wronged.has(job[i])) told.push("of a job that a finding is about");
  return told.join("; ");
};
