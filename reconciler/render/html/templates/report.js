"use strict";
// Filters, sorts and folds the table of changes. Without it everything is there, and open.
(() => {
  const table = document.getElementById("list");
  if (!table) return;
  const form = document.getElementById("filter");
  const found = document.getElementById("found");
  const all = [...table.tBodies].map((body) => ({
    body,
    kinds: body.dataset.k.split(" "),
    periods: body.dataset.p.split(" "),
    codes: body.dataset.a.split(" "),
    ranks: body.dataset.s.split(" ").map(Number),
    text: null,
  }));
  const field = (name) => document.getElementById("f-" + name);
  const plural = (count) => count.toLocaleString("en") + (count === 1 ? " change" : " changes");

  // Folding: the name of an entry becomes the button that opens it.
  const openAll = document.getElementById("open-all");
  const button = (body) => body.querySelector("button.fold");
  const fold = (body, open) => {
    body.classList.toggle("open", open);
    button(body).setAttribute("aria-expanded", String(open));
  };
  for (const { body } of all) {
    const cell = body.rows[0].cells[1];
    const made = document.createElement("button");
    made.type = "button";
    made.className = "fold";
    made.setAttribute("aria-expanded", "false");
    body.rows[1].id = body.id + "-more";
    made.setAttribute("aria-controls", body.rows[1].id);
    made.append(cell.firstElementChild);
    cell.prepend(made);
  }
  table.addEventListener("click", (event) => {
    if (event.target.closest("a, .more, thead") || String(getSelection())) return;
    const body = event.target.closest("tbody");
    if (body) fold(body, !body.classList.contains("open"));
  });
  openAll.addEventListener("click", () => {
    const open = openAll.textContent === "Open all";
    for (const { body } of all) if (!open || !body.hidden) fold(body, open);
    openAll.textContent = open ? "Close all" : "Open all";
  });
  const visit = () => {
    const body = document.getElementById(location.hash.slice(1));
    if (!body || !body.classList.contains("c")) return;
    if (body.hidden) {
      form.reset();
      filter();
    }
    fold(body, true);
    body.scrollIntoView({ block: "start" });
    button(body).focus({ preventScroll: true });
  };
  addEventListener("hashchange", visit);

  // Filtering.
  const filter = () => {
    const words = field("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [kind, period, code] = ["action", "period", "code"].map((name) => field(name).value);
    let count = 0;
    for (const one of all) {
      let shown =
        (!kind || one.kinds.includes(kind)) &&
        (!period || one.periods.includes(period)) &&
        (!code || one.codes.includes(code));
      if (shown && words.length) {
        one.text ??= one.body.textContent.toLowerCase();
        shown = words.every((word) => one.text.includes(word));
      }
      if (one.body.hidden === shown) one.body.hidden = !shown;
      if (shown) count += 1;
    }
    found.textContent =
      count === all.length ? plural(count) : count.toLocaleString("en") + " of " + plural(all.length);
  };
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 80);
  };
  form.addEventListener("input", soon);
  form.addEventListener("reset", () => { setTimeout(filter, 0); });
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  form.hidden = false;

  // Sorting: up, down, and back to the order of the plan.
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "sort";
    made.append(...head.childNodes);
    head.append(made);
    made.addEventListener("click", () => {
      const next = { ascending: "descending", descending: "" }[head.ariaSort] ?? "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1;
      const order = [...all];
      if (next) order.sort((one, other) => sign * (one.ranks[column] - other.ranks[column]));
      // One by one behind the one before: to take all out at first takes ten times as long.
      let last = table.tHead;
      for (const { body } of order) {
        if (last.nextElementSibling !== body) last.after(body);
        last = body;
      }
    });
  });
  visit();
})();
