/* Asks for the page again and puts what changed into its place: scripts have nothing else to do. */
(() => {
  const gone = document.getElementById("gone");
  const opened = (main) => [...main.querySelectorAll("details")].map((one) => one.open);
  let failed = 0;

  function replace(fresh) {
    const main = document.querySelector("main"), next = fresh.querySelector("main");
    document.title = fresh.title;
    if (next.innerHTML === main.innerHTML && next.dataset.stage === main.dataset.stage) return;
    const focused = document.activeElement && main.contains(document.activeElement) ? document.activeElement.id : "";
    const open = opened(main), said = main.querySelector("#said").textContent;
    [...next.querySelectorAll("details")].forEach((one, n) => { one.open = open[n] || false; });
    main.dataset.stage = next.dataset.stage;
    if (next.querySelector("#said").textContent === said) next.querySelector("#said").removeAttribute("role");
    main.replaceChildren(...next.childNodes);
    if (focused && document.getElementById(focused)) document.getElementById(focused).focus({preventScroll: true});
  }

  async function ask() {
    const main = document.querySelector("main");
    if (main.dataset.stage === "ended") return;
    try {
      const answer = await fetch("/", {cache: "no-store"});
      if (!answer.ok) throw new Error(answer.statusText);
      replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      failed = 0;
    } catch (error) {
      failed += 1;
    }
    gone.hidden = failed < 2;
    if (failed) document.querySelectorAll("form").forEach((one) => { one.hidden = failed > 1; });
    setTimeout(ask, 1000 * Number(main.dataset.every));
  }

  setTimeout(ask, 500);
})();
