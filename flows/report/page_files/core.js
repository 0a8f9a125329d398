const index = JSON.parse(document.getElementById("index").textContent);
const pieces = [...document.querySelectorAll("script.piece")];
const parsed = new Map();
const state = { masked: index.warning, shown: new Set() };

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...present(children));
  return made;
}

// The browser writes null and undefined as words, so every list of children goes through here.
function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function bdi(text) {
  return el("bdi", {}, text);
}

function button(words, pressed, attributes) {
  const made = el("button", { type: "button", ...attributes }, words);
  made.addEventListener("click", pressed);
  return made;
}

function details(place) {
  let piece = 0;
  while (piece + 1 < index.chunks.length && index.chunks[piece + 1] <= place) piece += 1;
  if (!parsed.has(piece)) parsed.set(piece, JSON.parse(pieces[piece].textContent));
  return parsed.get(piece)[place - index.chunks[piece]];
}

function masked(place) {
  return state.masked && !state.shown.has(place);
}

function veil(words) {
  return el("span", { class: "veil" }, words);
}

// What a model wrote may repeat a record's words between quotation marks.
function prose(text, hidden) {
  if (!hidden) return [bdi(text)];
  const parts = text.split(/([“„«"][^”“»"]*[”“»"]|(?<!\w)[‘'](?:[^’']|[’'](?=\w))*[’'](?!\w))/);
  const verdict = (part) => index.verdicts.some((known) => known.name === part.slice(1, -1));
  return parts.map((part, at) => (at % 2 && !verdict(part) ? veil("quoted words masked") : bdi(part)));
}

function chip(verdict) {
  const known = index.verdicts[verdict];
  const mark = el("span", { class: `mark s${known.shape}`, "aria-hidden": "true" }, known.letters);
  return el("span", { class: "chip" }, mark, el("span", { class: "word" }, bdi(known.name)));
}

function ending(cell) {
  const words = cell[4] === 0 ? "no verdict" : index.states[cell[4]];
  const mark = el("span", { class: "mark none", "aria-hidden": "true" }, "×");
  return el("span", { class: "chip" }, mark, el("span", { class: "word" }, words));
}

function verdictOf(cell) {
  return cell[3] >= 0 ? chip(cell[3]) : ending(cell);
}

function sayCell(record, cell) {
  const said = cell[3] >= 0 ? index.verdicts[cell[3]].name : cell[4] === 0 ? "no verdict" : index.states[cell[4]];
  const parts = [record.i, index.criteria[cell[0]].title, index.models[cell[1]]];
  if (cell[2]) parts.push(`repeat ${cell[2] + 1}`);
  parts.push(said);
  if (cell[5] > 0) parts.push(`${index.doubts[cell[5]]} uncertainty`);
  if (cell[6] > 0) parts.push("differs from people");
  return parts.filter(Boolean).join(", ");
}

function grouped(number) {
  return number.toLocaleString("en");
}
