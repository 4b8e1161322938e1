"use strict";
// Tells what the mark is that is pointed at, tapped or focused; arrow keys step through them.
// The page says the same without it: in the titles of the marks, and in the table below them.
(() => {
  const diagram = document.querySelector("[data-diagram]");
  const readout = document.querySelector("[data-readout]");
  if (!diagram || !readout) return;
  const marks = [...diagram.querySelectorAll("[data-mark]")];
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  const tell = (mark) => {
    for (const other of marks) {
      other.classList.toggle("told", other === mark);
      other.setAttribute("tabindex", other === mark ? "0" : "-1");
    }
    readout.classList.add("telling"); // from now on it stays in sight
    readout.textContent = mark.querySelector("title").textContent;
  };
  for (const mark of marks) {
    mark.addEventListener("pointerenter", () => tell(mark));
    mark.addEventListener("focus", () => tell(mark));
  }
  diagram.addEventListener("keydown", (event) => {
    const now = marks.indexOf(document.activeElement);
    let next = now + (step[event.key] || 0);
    if (event.key === "Home") next = 0;
    if (event.key === "End") next = marks.length - 1;
    if (now < 0 || next === now || !marks[next]) return;
    event.preventDefault();
    marks[next].focus();
  });
  readout.hidden = false;
})();
