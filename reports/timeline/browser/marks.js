// How each kind of event looks: a shape, a colour, and how high it stands in its lane.
// Shapes differ by themselves; a colour only helps. The legend and the canvas both draw here.

const SHAPES = {
  tick: (c, x, y, r) => line(c, x, y - r, x, y + r),
  dash: (c, x, y, r) => line(c, x - r * 1.3, y, x + r * 1.3, y),
  cross: (c, x, y, r) => {
    line(c, x - r, y - r, x + r, y + r);
    line(c, x - r, y + r, x + r, y - r);
  },
  plus: (c, x, y, r) => {
    line(c, x - r, y, x + r, y);
    line(c, x, y - r, x, y + r);
  },
  check: (c, x, y, r) => trace(c, x - r, y, x - r / 3, y + r, x + r, y - r),
  caret: (c, x, y, r) => trace(c, x - r, y + r / 2, x, y - r / 2, x + r, y + r / 2),
  begin: (c, x, y, r) => trace(c, x + r / 2, y - r, x, y - r, x, y + r, x + r / 2, y + r),
  end: (c, x, y, r) => trace(c, x - r / 2, y - r, x, y - r, x, y + r, x - r / 2, y + r),
  back: (c, x, y, r) => trace(c, x + r, y - r, x - r / 2, y, x + r, y + r),
  on: (c, x, y, r) => trace(c, x - r / 2, y - r, x + r, y, x - r / 2, y + r, x - r / 2, y - r),
  up: (c, x, y, r) => trace(c, x - r, y + r, x, y - r, x + r, y + r, x - r, y + r),
  diamond: (c, x, y, r) => trace(c, x, y - r, x + r, y, x, y + r, x - r, y, x, y - r),
  square: (c, x, y, r) => c.rect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6),
  circle: (c, x, y, r) => {
    c.moveTo(x + r * 0.9, y);
    c.arc(x, y, r * 0.9, 0, 2 * Math.PI);
  },
};

const line = (c, fromX, fromY, toX, toY) => {
  c.moveTo(fromX, fromY);
  c.lineTo(toX, toY);
};

const trace = (c, x, y, ...rest) => {
  c.moveTo(x, y);
  for (let i = 0; i < rest.length; i += 2) c.lineTo(rest[i], rest[i + 1]);
};

// By the number of the kind, see harness/events.py: shape, colour, height (-1 top, 1 bottom),
// size, and whether the shape is filled.
const MARKS = {
  1: { shape: "up", colour: "text", height: 0, size: 0.9, filled: true }, // worker started
  2: { shape: "square", colour: "text", height: 0, size: 0.9 }, // worker exited
  3: { shape: "tick", colour: "faint", height: 0.5, size: 0.6 }, // enqueue sent
  4: { shape: "tick", colour: "text", height: 0, size: 1 }, // enqueue answered
  5: { shape: "begin", colour: "busy", height: 0.4, size: 1 }, // leased
  6: { shape: "circle", colour: "busy", height: 0.4, size: 0.5, filled: true }, // started
  7: { shape: "end", colour: "busy", height: 0.4, size: 1 }, // finished
  8: { shape: "circle", colour: "good", height: -0.5, size: 0.8, filled: true }, // effect
  9: { shape: "caret", colour: "faint", height: 0.7, size: 0.7 }, // ack sent
  10: { shape: "check", colour: "text", height: 0.1, size: 0.9 }, // ack answered
  11: { shape: "diamond", colour: "warn", height: 0, size: 0.8, filled: true }, // nack answered
  12: { shape: "plus", colour: "busy", height: 0, size: 0.7 }, // extend answered
  13: { shape: "back", colour: "warn", height: 0, size: 0.9 }, // release answered
  14: { shape: "end", colour: "bad", height: 0.4, size: 1.2 }, // lease lost
  15: { shape: "cross", colour: "bad", height: -0.3, size: 1.1, heavy: true }, // fault struck
  16: { shape: "on", colour: "good", height: 0, size: 0.9, filled: true }, // resumed
  17: { shape: "circle", colour: "good", height: 0, size: 1 }, // healed
  18: { shape: "square", colour: "good", height: 0, size: 0.7, filled: true }, // quiet
  19: { shape: "tick", colour: "bad", height: 0, size: 1.4, heavy: true }, // deadline
  20: { shape: "square", colour: "other", height: 0, size: 0.9 }, // held at the end
  21: { shape: "plus", colour: "other", height: 0, size: 1, heavy: true }, // dead letter at the end
  22: { shape: "square", colour: "faint", height: 0.4, size: 0.5, filled: true }, // done at the end
  23: { shape: "back", colour: "faint", height: 0.5, size: 0.6 }, // handback sent
  24: { shape: "circle", colour: "other", height: 0, size: 0.8 }, // replay sent
  25: { shape: "circle", colour: "other", height: 0, size: 0.8, filled: true }, // replay answered
};
const UNKNOWN_KIND = { shape: "plus", colour: "text", height: 0, size: 0.8 };
const REFUSED = { shape: "dash", colour: "bad", height: 0, size: 1, heavy: true };
const FAULT = MARKS[15];
const CROWD = { shape: "tick", colour: "bad", height: 0, size: 0.5 }; // no room for one each
const POINTER = { shape: "diamond", colour: "bad", height: -1, size: 0.8, filled: true };

const markOf = (kind) => MARKS[kind] ?? UNKNOWN_KIND;

// Answers are numbered as in harness/events.py: 0 none, 1 ok, 2 failed, 3 unknown.
const isRefused = (answer) => answer > 1;

// Draws one mark at many places at once: places is x, y, x, y, ...
const drawMarks = (c, mark, places, radius, colours) => {
  c.beginPath();
  const shape = SHAPES[mark.shape];
  for (let i = 0; i < places.length; i += 2) shape(c, places[i], places[i + 1], radius * mark.size);
  c.lineWidth = mark.heavy ? 2.5 : 1.5;
  c.strokeStyle = c.fillStyle = colours[mark.colour];
  if (mark.filled) c.fill();
  else c.stroke();
};
