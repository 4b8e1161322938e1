// The table twin: a page of the shown events at a time, each row with a button that selects
// its event. Everything is written as text, since names of queues and the like may be hostile.

const PAGE = 20;
// Around the cells of a row, where it is told as a sentence.
const BEFORE = ["", "", "", "", "job ", "queue ", "token ", "", ""];
const AFTER = [" s", "", "", "", "", "", "", "", ""];

const textOf = (number) => number.toLocaleString("en");

// select(i) is called when a row is chosen.
const tableOf = (events, select) => {
  const body = document.getElementById("jq-tl-rows");
  const caption = document.getElementById("jq-tl-caption");
  const { header } = events;
  const digits = Math.max(0, Math.round(-Math.log10(header.tick)));
  let shown = new Int32Array(0);
  let page = 0;
  let selected = -1;

  const placeOf = (i) => firstWhere(0, shown.length, (n) => events.rank[shown[n]] >= events.rank[i]);
  const holds = (place, i) => place < shown.length && shown[place] === i;

  const rowOf = (i, whole) => {
    const job = events.job[i];
    return [
      events.t[i].toFixed(digits),
      events.lanes[events.lane[i]].name,
      header.kinds[events.event[i]] ?? String(events.event[i]),
      header.answers[events.answer[i]] ?? "",
      job < 0 ? "" : String(events.id[job]),
      job < 0 ? "" : (header.queues[events.queue[job]] ?? ""),
      events.token[i] ? String(events.token[i]) : "",
      job < 0 ? "" : header.outcomes[events.outcome[job]],
      knownOf(events, i, whole),
    ];
  };

  // Of the whole history's rows where they are known, as in ledger.jsonl; else of those here.
  const numberOf = (i) => (events.row ? events.row[events.rank[i]] : events.rank[i]) + 1;

  const write = () => {
    const from = page * PAGE;
    const part = [...shown.subarray(from, from + PAGE)];
    const reachable = part.includes(selected) ? selected : part[0];
    body.replaceChildren(
      ...part.map((i) => {
        const row = document.createElement("tr");
        const head = document.createElement("th");
        head.scope = "row";
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = String(numberOf(i));
        button.tabIndex = i === reachable ? 0 : -1;
        button.dataset.event = String(i);
        head.append(button);
        row.append(head);
        for (const text of rowOf(i)) row.insertCell().textContent = text;
        if (i === selected) row.setAttribute("aria-current", "true");
        if (events.struck.has(i) || events.of.has(i)) row.classList.add("jq-tl-stop");
        return row;
      }),
    );
    const to = Math.min(shown.length, from + PAGE);
    const span = shown.length ? `${textOf(from + 1)} to ${textOf(to)} of ` : "";
    caption.textContent = `Events ${span}${textOf(shown.length)} that pass the filters, in order of time`;
  };

  const turnTo = (wanted) => {
    page = Math.max(0, Math.min(Math.ceil(shown.length / PAGE) - 1, wanted));
    write();
  };

  // The rows are written anew, so the focus has to be put back.
  const choose = (i) => {
    select(i);
    body.querySelector(`[data-event="${i}"]`)?.focus();
  };

  body.addEventListener("click", (click) => {
    const button = click.target.closest("button");
    if (button) choose(Number(button.dataset.event));
  });
  body.addEventListener("keydown", (press) => {
    const steps = { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE, PageDown: PAGE };
    const step = steps[press.key];
    const button = press.target.closest("button");
    if (!step || !button) return;
    press.preventDefault();
    const place = placeOf(Number(button.dataset.event)) + step;
    choose(shown[Math.max(0, Math.min(shown.length - 1, place))]);
  });
  const turns = {
    first: () => turnTo(0),
    back: () => turnTo(page - 1),
    on: () => turnTo(page + 1),
    last: () => turnTo(Infinity),
  };
  for (const button of document.querySelectorAll("#jq-tl [data-page]")) {
    button.addEventListener("click", turns[button.dataset.page]);
  }

  return {
    show(list) {
      shown = list;
      const place = selected < 0 ? 0 : Math.floor(placeOf(selected) / PAGE);
      turnTo(place);
    },
    // Turn to the event, if it is among those shown.
    select(i) {
      selected = i;
      const place = i < 0 ? shown.length : placeOf(i);
      turnTo(holds(place, i) ? Math.floor(place / PAGE) : page);
    },
    // Turn to the first event from this time on.
    turnToTime(t) {
      turnTo(Math.floor(firstWhere(0, shown.length, (n) => events.t[shown[n]] >= t) / PAGE));
    },
    // The event so many places after the given one among those shown; the ends hold.
    step(i, by) {
      if (!shown.length) return -1;
      if (i < 0) return shown[0];
      const place = placeOf(i);
      const next = holds(place, i) || by < 0 ? place + by : place;
      return shown[Math.max(0, Math.min(shown.length - 1, next))];
    },
    describe: (i) =>
      `Row ${numberOf(i)}, ${rowOf(i, true)
        .map((text, n) => text && BEFORE[n] + text + AFTER[n])
        .filter(Boolean)
        .join(", ")}`,
  };
};
