// Puts the parts together: what is seen (a span of time, a filter, a selection), and what keys,
// pointers and buttons do to it. Redraws at most once for each frame of the screen.

const STEP = { pan: 0.15, zoom: 1.6 }; // of a key or a button: part of the view, factor

const briefly = (number) => number.toLocaleString("en", { maximumSignificantDigits: 3 });

const start = (events) => {
  const root = idOf("all");
  const canvas = idOf("canvas");
  const whole = { from: Math.min(0, ...events.lanes.filter((l) => l.size).map((l) => events.t[l.start])), to: events.end };
  const margin = (whole.to - whole.from) * 0.01;
  whole.from -= margin;
  whole.to += margin;
  const filter = noFilter(events.header);
  const scene = {
    events,
    view: { ...whole },
    pass: passing(events, filter),
    job: -1,
    selected: -1,
    colours: coloursOf(root),
    strip: document.createElement("canvas"),
  };
  let table = null;
  let layout = layoutOf(800, events.lanes.length, scene.view);
  let asked = false;

  const redraw = () => {
    asked = false;
    const began = performance.now();
    layout = layoutOf(canvas.parentElement.clientWidth, events.lanes.length, scene.view);
    canvas.style.height = `${layout.height}px`;
    paint(canvas, layout, scene);
    const { from, to } = scene.view;
    canvas.dataset.from = String(from);
    canvas.dataset.to = String(to);
    const [left, right] = [Math.max(0, from), Math.min(events.end, to)];
    idOf("view").textContent =
      `Shown: ${left.toFixed(4)} s to ${right.toFixed(4)} s, ${briefly(right - left)} s.`;
    performance.clearMeasures("jobquake redraw");
    performance.measure("jobquake redraw", { start: began });
  };
  const ask = () => {
    if (!asked) requestAnimationFrame(redraw);
    asked = true;
  };

  // The view stays within the run and no narrower than some ticks.
  const look = (from, to) => {
    const least = Math.max(events.header.tick * 20, 2e-5);
    const span = Math.min(whole.to - whole.from, Math.max(least, to - from));
    const middle = (from + to) / 2;
    scene.view.from = Math.max(whole.from, Math.min(whole.to - span, middle - span / 2));
    scene.view.to = scene.view.from + span;
    ask();
  };
  const pan = (share) => {
    const by = (scene.view.to - scene.view.from) * share;
    look(scene.view.from + by, scene.view.to + by);
    turnTable();
  };
  // As far to one end as the width of the view allows.
  const jump = (t) => {
    const half = (scene.view.to - scene.view.from) / 2;
    look(t - half, t + half);
    turnTable();
  };
  // Around a time, or the selected event where it is in view, or the middle.
  const zoom = (factor, at) => {
    const { from, to } = scene.view;
    const chosen = scene.selected < 0 ? -Infinity : events.t[scene.selected];
    const around = at ?? (from <= chosen && chosen <= to ? chosen : (from + to) / 2);
    look(around - (around - from) / factor, around + (to - around) / factor);
    turnTable();
  };
  const turnTable = () => {
    const seen = scene.selected >= 0 ? events.t[scene.selected] : -Infinity;
    if (table && (seen < scene.view.from || seen > scene.view.to)) {
      table.turnToTime(scene.view.from);
    }
  };

  const select = (i) => {
    scene.selected = i;
    if (i >= 0) {
      const t = events.t[i];
      const { from, to } = scene.view;
      const edge = (to - from) / 50;
      if (t < from + edge || t > to - edge) look(t - (to - from) / 2, t + (to - from) / 2);
    }
    table.select(i);
    idOf("selected").textContent = i < 0 ? "No event is selected." : table.describe(i);
    ask();
  };
  const refilter = () => {
    scene.pass = passing(events, filter);
    table.show(shownOf(events, scene.pass, scene.job));
    ask();
  };
  const find = (number, typed) => {
    scene.job = number === null ? -1 : jobOf(events, number);
    refilter();
    if (typed === "") return select(-1);
    if (scene.job < 0) {
      const sampled = events.header.shown < events.header.events ? " or it is not in the sample" : "";
      idOf("selected").textContent = `Expected the number of a job, found ${typed}: there is no such job${sampled}.`;
      return ask();
    }
    const first = table.step(-1, 0);
    if (first < 0) return ask();
    const last = table.step(first, Infinity);
    const room = Math.max((events.t[last] - events.t[first]) * 0.1, 0.01);
    look(events.t[first] - room, events.t[last] + room);
    return select(first);
  };
  // The next (1) or the previous (-1) fault or finding that passes.
  const stop = (way) => {
    const { stops, rank, t, job } = events;
    const at = scene.selected;
    const edge = way > 0 ? scene.view.from : scene.view.to;
    const after = (i) => (at >= 0 ? rank[i] - rank[at] : t[i] - edge) * way > 0;
    const passes = (i) => scene.pass[i] && (scene.job < 0 || job[i] === scene.job) && after(i);
    const found = way > 0 ? stops.find(passes) : stops.findLast(passes);
    if (found !== undefined) return select(found);
    idOf("selected").textContent = `There is no ${way > 0 ? "later" : "earlier"} fault or finding.`;
    return undefined;
  };

  const actions = {
    whole: () => look(whole.from, whole.to),
    in: () => zoom(STEP.zoom),
    out: () => zoom(1 / STEP.zoom),
    left: () => pan(-STEP.pan),
    right: () => pan(STEP.pan),
    next: () => stop(1),
    previous: () => stop(-1),
  };
  const keys = {
    ArrowLeft: (press) => pan(press.shiftKey ? -0.9 : -STEP.pan),
    ArrowRight: (press) => pan(press.shiftKey ? 0.9 : STEP.pan),
    ArrowUp: () => select(table.step(scene.selected, -1)),
    ArrowDown: () => select(table.step(scene.selected, 1)),
    Home: () => jump(whole.from),
    End: () => jump(whole.to),
    "+": actions.in,
    "=": actions.in,
    "-": actions.out,
    0: actions.whole,
    n: actions.next,
    p: actions.previous,
    Escape: () => {
      idOf("job").value = "";
      find(null, "");
    },
  };
  canvas.addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.metaKey || press.altKey || !Object.hasOwn(keys, press.key)) return;
    press.preventDefault();
    keys[press.key](press);
  });
  for (const button of root.querySelectorAll("[data-do]")) {
    button.addEventListener("click", actions[button.dataset.do]);
  }
  followPointers(canvas, {
    pan: (pixels) => pan(pixels / layout.plot),
    zoom: (factor, x) => zoom(factor, layout.time(x)),
    pick: (x, y) => select(eventAt(scene, layout, x, y)),
  });

  const recolour = () => {
    scene.colours = coloursOf(root);
    fillKinds(events, scene.colours, filter, refilter);
    ask();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

  idOf("counts").textContent = countsText(events);
  idOf("missing").remove();
  root.hidden = false;
  canvas.setAttribute("aria-label", `Timeline of ${textOf(events.count)} events on ${events.lanes.length} lanes`);
  new ResizeObserver(ask).observe(canvas.parentElement);
  redraw();
  performance.mark("jobquake painted");
  // The table needs all events in order: that may wait until the first picture is there.
  setTimeout(() => {
    orderOf(events);
    table = tableOf(events, select);
    controlsOf(events, filter, refilter, find);
    recolour();
    refilter();
    root.dataset.ready = "yes";
  });
};

const sorry = (error) => {
  idOf("missing").textContent += ` (${error.message})`;
};

decode(idOf("data").textContent)
  .then((block) => start(eventsOf(block)))
  .catch(sorry);
