const PAGE = 50;
const view = { text: "", criterion: -1, model: -1, verdict: -2, facets: index.facets.map(() => -1), parted: false, mistaken: false, sort: "record", page: 0, list: [] };
const truths = index.records.some((record) => record.c.some((cell) => cell[7] >= 0));
const repeats = index.records.some((record) => record.c.some((cell) => cell[2] > 0));
let haystack = null;

function columns() {
  const there = new Set();
  for (const record of index.records) for (const cell of record.c) there.add(cell[0] * index.models.length + cell[1]);
  return [...there]
    .sort((a, b) => a - b)
    .map((key) => ({ criterion: Math.floor(key / index.models.length), model: key % index.models.length }));
}
const allColumns = columns();

function wanted(column) {
  return (view.criterion < 0 || view.criterion === column.criterion) && (view.model < 0 || view.model === column.model);
}

function searched(place) {
  if (!view.text) return true;
  if (!haystack) {
    haystack = index.records.map((record, at) =>
      [record.i, record.t || "", ...details(at).f.map((field) => field[1])].join("\n").toLowerCase());
  }
  return haystack[place].includes(view.text);
}

function parting(record) {
  return view.criterion < 0 ? Math.max(0, ...record.d) : record.d[view.criterion];
}

function matches(record, place) {
  if (view.facets.some((value, at) => value >= 0 && record.g[at] !== value)) return false;
  if (view.parted && !parting(record)) return false;
  const cells = record.c.filter((cell) => wanted({ criterion: cell[0], model: cell[1] }));
  if (view.verdict > -2 && !cells.some((cell) => cell[3] === view.verdict)) return false;
  if (view.mistaken && !cells.some((cell) => cell[6] > 0)) return false;
  return searched(place);
}

function refresh() {
  view.list = [];
  index.records.forEach((record, place) => {
    if (matches(record, place)) view.list.push(place);
  });
  if (view.sort === "parted") view.list.sort((a, b) => parting(index.records[b]) - parting(index.records[a]) || a - b);
  view.page = Math.min(view.page, Math.max(0, Math.ceil(view.list.length / PAGE) - 1));
  draw();
}

function draw() {
  const grid = document.getElementById("grid");
  const first = view.page * PAGE;
  const places = view.list.slice(first, first + PAGE);
  const kept = allColumns.filter(wanted);
  const words = view.list.length === index.records.length ? "" : ` of ${grouped(index.records.length)}`;
  document.getElementById("counted").textContent =
    `${grouped(view.list.length)}${words} records` + (view.list.length > PAGE ? `, ${grouped(first + 1)} to ${grouped(first + places.length)} shown` : "");
  grid.replaceChildren(places.length ? table(places, kept) : el("p", { class: "nothing" }, "No record fits these filters."));
  for (const id of ["pages", "pages-below"]) drawPages(document.getElementById(id));
}

function table(places, kept) {
  const body = el("tbody", {}, places.map((place) => row(place, kept)));
  const first = body.querySelector("button");
  if (first) first.tabIndex = 0;
  const made = el("table", { class: "matrix" }, el("caption", { class: "unseen" }, "Verdicts by record, criterion and model; the arrow keys move from cell to cell, Enter opens one"), head(kept), body);
  made.addEventListener("keydown", move);
  return made;
}

function head(kept) {
  const named = index.criteria.some((criterion) => criterion.name);
  const spans = named ? 2 : 1;
  const top = el("tr", {}, el("th", { scope: "col", rowspan: spans, class: "record" }, "Record"));
  if (truths) top.append(el("th", { scope: "col", rowspan: spans, class: "people" }, "People"));
  const models = kept.map((column, at) =>
    el("th", { scope: "col", class: at && kept[at - 1].criterion === column.criterion ? "" : "begins" }, bdi(index.models[column.model])));
  if (!named) return el("thead", {}, (top.append(...models), top));
  for (const criterion of new Set(kept.map((column) => column.criterion))) {
    const width = kept.filter((column) => column.criterion === criterion).length;
    top.append(el("th", { scope: "colgroup", colspan: width, class: "begins" }, bdi(index.criteria[criterion].title)));
  }
  return el("thead", {}, top, el("tr", {}, models));
}

function row(place, kept) {
  const record = index.records[place];
  const title = record.t ? el("small", {}, masked(place) ? veil("title masked") : bdi(record.t)) : null;
  const made = el("tr", { "data-place": place }, el("th", { scope: "row", class: "record" }, bdi(record.i), title));
  if (truths) {
    const said = [...new Set(record.c.filter((cell) => wanted({ criterion: cell[0], model: cell[1] })).map((cell) => cell[7]))].filter((verdict) => verdict >= 0);
    made.append(el("td", { class: "people" }, said.length ? said.map(chip) : el("span", { class: "none" }, "–")));
  }
  kept.forEach((column, at) => {
    const begins = at && kept[at - 1].criterion === column.criterion ? "" : "begins";
    const own = record.c.map((cell, number) => [cell, number]).filter(([cell]) => cell[0] === column.criterion && cell[1] === column.model);
    const parts = record.d[column.criterion] > 0 ? "parts" : "";
    made.append(el("td", { class: `${begins} ${parts}` }, own.map(([cell, number]) => cellButton(place, record, cell, number))));
  });
  return made;
}

function cellButton(place, record, cell, number) {
  const signs = [];
  if (cell[5] === 2) signs.push(el("sup", { class: "doubt", "aria-hidden": "true" }, "?"));
  if (cell[6] > 0) signs.push(el("span", { class: "differs", "aria-hidden": "true" }, "≠"));
  const label = sayCell(record, cell);
  return button([verdictOf(cell), ...signs], () => openPanel(place, cell[0], number), { class: "cell", tabindex: -1, "data-cell": number, "aria-label": label, title: label, "aria-haspopup": "dialog" });
}

function move(event) {
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const from = event.target.closest("button.cell");
  if (!steps || !from) return;
  event.preventDefault();
  const own = [...from.closest("tr").querySelectorAll("button.cell")];
  const rows = [...from.closest("tbody").rows];
  const target = rows[rows.indexOf(from.closest("tr")) + steps[0]];
  const cells = target ? [...target.querySelectorAll("button.cell")] : [];
  const to = cells[Math.min(own.indexOf(from) + steps[1], cells.length - 1)];
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

function drawPages(where) {
  const last = Math.ceil(view.list.length / PAGE) - 1;
  where.replaceChildren();
  if (last < 1) return;
  const go = (page) => () => {
    view.page = page;
    draw();
    if (where.id === "pages-below") document.getElementById("filters").scrollIntoView();
  };
  where.append(
    button("First", go(0), { disabled: view.page === 0 }),
    button("Previous", go(view.page - 1), { disabled: view.page === 0 }),
    el("span", {}, `page ${grouped(view.page + 1)} of ${grouped(last + 1)}`),
    button("Next", go(view.page + 1), { disabled: view.page === last }),
    button("Last", go(last), { disabled: view.page === last }),
  );
}

function showRecord(place, criterion) {
  resetFilters();
  refresh();
  view.page = Math.floor(view.list.indexOf(place) / PAGE);
  draw();
  const found = document.querySelector(`#grid tr[data-place="${Number(place)}"]`);
  found.classList.add("found");
  found.scrollIntoView({ block: "center" });
  const number = index.records[place].c.findIndex((cell) => criterion === null || index.criteria[cell[0]].name === criterion);
  const cell = index.records[place].c[Math.max(0, number)];
  openPanel(place, cell[0], Math.max(0, number));
}
