// Filters, search and legend. They change a filter and say so; they draw and judge nothing.

const idOf = (name) => document.getElementById(`jq-tl-${name}`);

const fill = (select, names) => {
  names.forEach((name, number) => {
    const option = document.createElement("option");
    option.value = String(number);
    option.textContent = name;
    select.append(option);
  });
};

// A mark as the legend shows it, on a small canvas of its own.
const pictureOf = (kind, colours) => {
  const picture = document.createElement("canvas");
  const ratio = window.devicePixelRatio || 1;
  picture.width = picture.height = Math.round(18 * ratio);
  picture.className = "jq-tl-picture";
  picture.setAttribute("aria-hidden", "true");
  const c = picture.getContext("2d");
  c.scale(ratio, ratio);
  drawMarks(c, markOf(kind), [9, 9], 6, colours);
  return picture;
};

// One checkbox for each kind of event that occurred, with its mark and how many there are.
const fillKinds = (events, colours, filter, changed) => {
  const { header } = events;
  const boxes = Object.entries(header.counts).map(([kind, count]) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = filter.kinds.has(Number(kind));
    box.value = kind;
    box.addEventListener("change", () => {
      if (box.checked) filter.kinds.add(Number(kind));
      else filter.kinds.delete(Number(kind));
      changed();
    });
    const name = document.createElement("span");
    name.textContent = `${header.kinds[kind] ?? kind}: ${textOf(count)}`;
    label.append(box, pictureOf(Number(kind), colours), name);
    return label;
  });
  idOf("kinds").replaceChildren(...boxes);
};

// changed() is called when the filter is another; find(number or null) when a job is wanted.
const controlsOf = (events, filter, changed, find) => {
  const { header } = events;
  const choices = { lane: events.lanes.map(({ name }) => name), queue: header.queues };
  choices.outcome = header.outcomes;
  for (const [name, texts] of Object.entries(choices)) {
    fill(idOf(name), texts);
    idOf(name).addEventListener("change", () => {
      filter[name] = Number(idOf(name).value);
      changed();
    });
  }
  idOf("search").addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    const wanted = idOf("job").value.trim().replace(/^job[- ]?/i, "");
    find(/^\d+$/.test(wanted) ? Number(wanted) : null, idOf("job").value.trim());
  });
};

// What there is, and whether it is all; the sentence above the timeline.
const countsText = ({ header }) => {
  const ends = Object.entries(header.ends).filter(([, n]) => n);
  const jobs = ends.map(([name, n]) => `${textOf(n)} ${name}`).join(", ") || "none";
  const strikes = textOf(header.counts[header.strike] ?? 0);
  const told = `${textOf(header.events)} events on ${header.lanes.length} nodes in ${header.end.toFixed(2)} s; jobs: ${jobs}; faults that struck: ${strikes}; findings: ${textOf(header.findings.length)}.`;
  const sampled =
    header.shown < header.events
      ? ` This is a sample: it shows ${textOf(header.shown)} of the events, among them every fault, every event that a finding points at, and of the jobs whole lives, chosen by lot. Counts are those of the whole history; rows are numbered within the sample.`
      : "";
  const rounded = header.tick > 1e-6 ? ` Times are rounded to ${header.tick} s; the order of events is not.` : "";
  return told + sampled + rounded;
};
