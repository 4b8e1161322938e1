// What pointers do on the canvas: a drag moves, a click picks, Ctrl and the wheel or two
// fingers zoom. The page keeps scrolling up and down under the wheel and the finger.

const CLICK = 4; // pixels within which a press is a click and not a drag
const NEAR = 7; // pixels within which a mark is meant

const followPointers = (canvas, { pan, zoom, pick }) => {
  const down = new Map();
  let moved = 0;

  canvas.addEventListener("pointerdown", (press) => {
    canvas.setPointerCapture(press.pointerId);
    down.set(press.pointerId, press.offsetX);
    if (down.size === 1) moved = 0;
  });
  canvas.addEventListener("pointermove", (move) => {
    if (!down.has(move.pointerId)) return;
    const before = [...down.values()];
    const by = move.offsetX - down.get(move.pointerId);
    down.set(move.pointerId, move.offsetX);
    moved += Math.abs(by);
    const now = [...down.values()];
    if (down.size === 1 && moved > CLICK) pan(-by);
    if (down.size === 2) {
      const spread = Math.abs(before[0] - before[1]);
      if (spread > 10) zoom(Math.abs(now[0] - now[1]) / spread, (now[0] + now[1]) / 2);
    }
  });
  canvas.addEventListener("pointerup", (up) => {
    if (down.size === 1 && moved <= CLICK) pick(up.offsetX, up.offsetY);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (end) => down.delete(end.pointerId));
  }
  canvas.addEventListener(
    "wheel",
    (wheel) => {
      if (wheel.ctrlKey || wheel.metaKey) zoom(Math.exp(-wheel.deltaY * 0.004), wheel.offsetX);
      else if (Math.abs(wheel.deltaX) > Math.abs(wheel.deltaY)) pan(wheel.deltaX);
      else return;
      wheel.preventDefault();
    },
    { passive: false },
  );
  canvas.addEventListener("dblclick", (click) => zoom(2.5, click.offsetX));
};

// The event meant by a click: the nearest mark in its lane, faults and findings first; else
// the lease of the bar there; -1 if there is nothing.
const eventAt = ({ events, pass }, layout, x, y) => {
  const lane = Math.floor((y - AXIS) / layout.laneHeight);
  if (x < layout.gutter || lane < 0 || lane >= events.lanes.length) return -1;
  const [from, to] = [layout.time(x - NEAR), layout.time(x + NEAR)];
  const [first, last] = between(events, events.lanes[lane], from, to);
  let best = -1;
  let least = Infinity;
  for (let i = first; i < last; i++) {
    if (!pass[i]) continue;
    const mark = markOf(events.event[i]);
    const away = Math.hypot(layout.x(events.t[i]) - x, heightOf(mark, layout, lane) - y);
    const dear = events.struck.has(i) || events.of.has(i) ? 1000 : 0;
    if (away - dear < least) [best, least] = [i, away - dear];
  }
  if (best >= 0) return best;
  const { first: begins, until } = events.deliveries[lane];
  const t = layout.time(x);
  const bar = begins.findLast((i, d) => events.t[i] <= t && until[d] >= t && pass[i]);
  return bar ?? -1;
};
