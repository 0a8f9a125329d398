const panel = document.getElementById("panel");
let opened = null;

function openPanel(place, criterion, number) {
  opened = { place, criterion, number };
  drawPanel();
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
}

function drawPanel() {
  const { place, criterion, number } = opened;
  const record = index.records[place];
  const told = details(place);
  const hidden = masked(place);
  const cell = record.c[number];
  const quotes = [];
  const said = judgement(record, cell, told.c[number], told, quotes, hidden);
  panel.replaceChildren(...present([
    panelHead(place, record, criterion, hidden),
    tabs(place, record, criterion, number),
    el("div", { class: "columns" }, said, source(place, told, quotes, hidden)),
    others(told, criterion, hidden),
  ]));
}

function panelHead(place, record, criterion, hidden) {
  const at = view.list.indexOf(place);
  const go = (to) => () => openBeside(view.list[to], criterion);
  const name = record.t ? (hidden ? veil("title masked") : bdi(record.t)) : bdi(record.i);
  return el("header", { class: "panel-head" },
    el("div", {},
      el("h2", { id: "panel-title" }, name),
      el("p", { class: "byline" }, bdi(record.i), index.criteria[criterion].title ? " · " : "", bdi(index.criteria[criterion].title))),
    el("p", { class: "panel-tools" },
      button("←", go(at - 1), { disabled: at < 1, "aria-label": "Previous record", title: "Previous record" }),
      button("→", go(at + 1), { disabled: at < 0 || at + 1 >= view.list.length, "aria-label": "Next record", title: "Next record" }),
      button("Close", () => panel.close(), { class: "close", autofocus: true })));
}

function openBeside(place, criterion) {
  const cells = index.records[place].c;
  const number = Math.max(0, cells.findIndex((cell) => cell[0] === criterion && (view.model < 0 || cell[1] === view.model)));
  openPanel(place, cells[number][0], number);
}

function tabs(place, record, criterion, number) {
  const made = record.c.map((cell, at) => [cell, at]).filter(([cell]) => cell[0] === criterion).map(([cell, at]) =>
    button([el("span", { class: "who" }, bdi(index.models[cell[1]] + (repeats ? ` ${cell[2] + 1}` : ""))), verdictOf(cell)],
      () => openPanel(place, criterion, at), { "aria-pressed": String(at === number), "aria-label": sayCell(record, cell) }));
  return el("div", { class: "tabs", role: "group", "aria-label": "Judges" }, made);
}

function judgement(record, cell, said, told, quotes, hidden) {
  const line = el("p", { class: "verdict" }, verdictOf(cell));
  if (cell[5] >= 0) line.append(el("span", { class: "aside" }, `uncertainty: ${index.doubts[cell[5]]}`));
  if (cell[7] >= 0) line.append(el("span", { class: "aside" }, "people: ", chip(cell[7])));
  if (cell[6] > 0) line.append(el("span", { class: "differs" }, "≠ differs from people"));
  return el("section", { class: "judgement", "aria-label": "Judgement" },
    el("h3", {}, bdi(index.models[cell[1]] + (repeats ? `, repeat ${cell[2] + 1}` : ""))), line,
    said.k && el("p", { class: "conclusion" }, prose(said.k, hidden)),
    said.r && reasons(said.r, told.f, quotes, hidden),
    said.v && el("div", { class: "text code" }, hidden ? veil("text masked") : bdi(said.v)),
    said.n && el("p", { class: "note" }, "Note: ", prose(said.n, hidden)),
    said.e && el("p", { class: "note error" }, hidden ? veil("message masked") : bdi(said.e)),
    said.s && el("p", { class: "byline" }, "Answered by ", bdi(said.s)),
    correction(record, cell));
}

function reasons(list, fields, quotes, hidden) {
  const words = { yes: "applies", no: "does not apply", unclear: "unclear" };
  return el("ol", { class: "reasons" }, list.map(([rule, applies, reason, quoted]) =>
    el("li", {},
      rule >= 0 && el("p", { class: "rule" }, bdi(index.rules[rule]), " ", applies && el("span", { class: `applies ${words[applies] ? applies : ""}` }, words[applies] || applies)),
      el("p", {}, prose(reason, hidden)),
      quoted.map((quote) => quotation(quote, fields, quotes, hidden)))));
}

function quotation(quote, fields, quotes, hidden) {
  if (typeof quote[0] === "number") {
    quotes.push(quote);
    const number = quotes.length;
    const words = hidden ? veil("quotation masked") : ["“", bdi(fields[quote[0]][1].slice(quote[1], quote[2])), "”"];
    const shown = [el("span", { class: "number" }, number), " ", words, ...page(quote[3])];
    return button(shown, () => jump(number), { class: "quote", title: "Show it in the text" });
  }
  const [words, found, field, start, where] = quote;
  const why = found ? (field === undefined ? "found in the record" : `found after the part that is shown, at character ${grouped(start)}`) : "not found in the record";
  return el("p", { class: `quote ${found ? "" : "lost"}` }, hidden ? veil("quotation masked") : ["“", bdi(words), "”"], " ", el("span", { class: "applies" }, why), ...page(where));
}

function page(locator) {
  return locator ? [" ", el("span", { class: "applies" }, bdi(locator))] : [];
}

function jump(number) {
  const mark = panel.querySelector(`mark[data-quotes~="${Number(number)}"]`);
  if (!mark) return;
  panel.querySelectorAll("mark.here").forEach((one) => one.classList.remove("here"));
  panel.querySelectorAll(`mark[data-quotes~="${Number(number)}"]`).forEach((one) => one.classList.add("here"));
  mark.scrollIntoView({ block: "center" });
}

function source(place, told, quotes, hidden) {
  const made = el("section", { class: "source", "aria-label": "Text of the record" });
  if (hidden) {
    made.append(el("div", { class: "blocked" }, el("p", {}, "The text is masked."),
      button("Show this text", () => { state.shown.add(place); drawPanel(); draw(); panel.querySelector("button.close").focus(); }, { id: "unveil-one" })));
    return made;
  }
  told.f.forEach((field, at) => {
    const own = quotes.map((quote, number) => [...quote.slice(0, 3), number + 1]).filter((quote) => quote[0] === at);
    // The title stands above already.
    if (own.length || field[0] !== "title" || told.f.length === 1) made.append(...fieldOf(field, own));
  });
  if (told.m && told.m.length) made.append(el("h3", {}, "Metadata"), pairs(told.m));
  if (told.h && told.h.length) made.append(el("h3", {}, "What people said"), pairs(told.h));
  if (told.u) made.append(el("p", {}, el("a", { href: told.u, rel: "noreferrer noopener" }, bdi(told.u))));
  return made;
}

function fieldOf([name, text, whole], quotes) {
  const named = name.startsWith("sections.") ? name.slice(9) : name.startsWith("images.") ? `Picture ${Number(name.slice(7)) + 1}, in words` : name === "title" ? "Title" : "Text";
  const body = el("div", { class: "text", dir: "auto" }, segments(text, quotes));
  const cut = whole > [...text].length && el("p", { class: "aside" }, `The first ${grouped([...text].length)} of ${grouped(whole)} characters are shown.`);
  return [el("h3", {}, bdi(named)), text ? body : el("p", { class: "aside" }, "No description; pictures are not part of this file."), cut || ""];
}

function segments(text, quotes) {
  const edges = [...new Set([0, text.length, ...quotes.flatMap((quote) => [quote[1], quote[2]])])].sort((a, b) => a - b);
  return edges.slice(0, -1).map((from, at) => {
    const over = quotes.filter((quote) => quote[1] <= from && edges[at + 1] <= quote[2]);
    const part = text.slice(from, edges[at + 1]);
    if (!over.length) return part;
    const begun = over.filter((quote) => quote[1] === from).map((quote) => quote[3]);
    const mark = el("mark", { "data-quotes": over.map((quote) => quote[3]).join(" ") });
    if (begun.length) mark.append(el("sup", {}, begun.join(",")));
    mark.append(part);
    return mark;
  });
}

function pairs(list) {
  return el("dl", { class: "pairs" }, list.map(([name, value]) => el("div", {}, el("dt", {}, bdi(name)), el("dd", {}, bdi(value)))));
}

function others(told, criterion, hidden) {
  const own = told.o.filter((one) => !one.a.length || one.a.includes(criterion));
  return own.length ? el("section", { class: "others", "aria-label": "Other steps" }, own.map((one) => other(one, hidden))) : null;
}

function other(one, hidden) {
  const line = el("p", { class: "verdict" }, one.y >= 0 ? chip(one.y) : one.w ? bdi(one.w) : null, one.z !== "completed" ? el("span", { class: "aside" }, one.z) : null);
  return el("article", {},
    el("h3", {}, bdi(one.p.replaceAll("_", " ")), one.l && el("span", { class: "aside" }, " ", bdi(one.l))),
    line.childNodes.length ? line : null,
    one.k && el("p", { class: "conclusion" }, prose(one.k, hidden)),
    one.d && one.d.map(([topic, positions]) => el("div", { class: "topic" }, el("p", { class: "rule" }, prose(topic, hidden)),
      el("ul", {}, positions.map(([position, held]) => el("li", {}, prose(position, hidden), " ", el("span", { class: "aside" }, "(", bdi(held), ")")))))),
    one.g && el("ul", { class: "scores" }, one.g.map(([correct, words]) => el("li", {}, el("span", { class: `applies ${correct ? "yes" : ""}` }, correct ? "there" : "not there"), " ", prose(words, hidden)))),
    one.r && one.r.length && el("details", {}, el("summary", {}, "Reasons"), reasons(one.r, [], [], hidden)),
    one.v && el("div", { class: "text code" }, hidden ? veil("text masked") : bdi(one.v)),
    one.n && el("p", { class: "note" }, "Note: ", prose(one.n, hidden)),
    one.e && el("p", { class: "note error" }, hidden ? veil("message masked") : bdi(one.e)));
}

panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close();
});
panel.addEventListener("close", () => {
  const found = opened && document.querySelector(`#grid tr[data-place="${opened.place}"]`);
  document.querySelectorAll("#grid tr.found").forEach((one) => one.classList.remove("found"));
  if (found) found.classList.add("found");
  panel.replaceChildren();
  const back = found && found.querySelector(`button[data-cell="${opened.number}"]`);
  if (back) back.focus();
});
