function field(label, control) {
  return el("label", {}, el("span", {}, label), control);
}

function select(options, changed) {
  const made = el("select", {}, options.map(([value, words]) => el("option", { value }, words)));
  made.addEventListener("change", () => changed(made.value));
  return made;
}

function check(words, changed) {
  const box = el("input", { type: "checkbox" });
  box.addEventListener("change", () => changed(box.checked));
  return el("label", { class: "check" }, box, el("span", {}, words));
}

function again(change) {
  return (value) => {
    change(value);
    view.page = 0;
    refresh();
  };
}

const filters = document.getElementById("filters");

function drawFilters() {
  const search = el("input", { type: "search", placeholder: "words of a record", autocomplete: "off" });
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => again(() => (view.text = search.value.trim().toLowerCase()))(), 150);
  });
  filters.replaceChildren(field("Search", search));
  if (index.criteria.length > 1)
    filters.append(field("Criterion", select([[-1, "all"], ...index.criteria.map((one, at) => [at, one.title])], again((value) => (view.criterion = Number(value))))));
  if (index.models.length > 1)
    filters.append(field("Model", select([[-1, "all"], ...index.models.map((one, at) => [at, one])], again((value) => (view.model = Number(value))))));
  filters.append(field("Verdict", select([[-2, "any"], ...index.verdicts.map((one, at) => [at, one.name]), [-1, "none given"]], again((value) => (view.verdict = Number(value))))));
  index.facets.forEach((facet, at) =>
    filters.append(field(facet.name, select([[-1, "all"], ...facet.values.map((value, place) => [place, value])], again((value) => (view.facets[at] = Number(value)))))));
  filters.append(field("Order", select([["record", "by record"], ["parted", "by disagreement"]], again((value) => (view.sort = value)))));
  const checks = el("div", { class: "checks" }, check("only where verdicts part", again((value) => (view.parted = value))));
  if (truths) checks.append(check("only where a model differs from people", again((value) => (view.mistaken = value))));
  checks.append(button("Clear", () => { resetFilters(); refresh(); }));
  filters.append(checks);
}

function resetFilters() {
  Object.assign(view, { text: "", criterion: -1, model: -1, verdict: -2, facets: index.facets.map(() => -1), parted: false, mistaken: false, sort: "record", page: 0 });
  drawFilters();
}

function drawLegend() {
  const legend = document.getElementById("legend");
  index.verdicts.forEach((_, at) => legend.append(chip(at), " "));
  legend.append(
    el("span", { class: "chip" }, el("span", { class: "mark none" }, "×"), el("span", { class: "word" }, "no verdict")), " ",
    el("span", { class: "key" }, el("sup", { class: "doubt" }, "?"), " high uncertainty"), " ");
  legend.append(el("span", { class: "parts" }, "verdicts part"), " ");
  if (truths) legend.append(el("span", { class: "key" }, el("span", { class: "differs" }, "≠"), " differs from people"));
}

function unveil() {
  const toggle = document.getElementById("unveil");
  if (!toggle) return;
  toggle.addEventListener("click", () => {
    state.masked = !state.masked;
    state.shown.clear();
    toggle.textContent = state.masked ? "Show texts" : "Mask texts";
    toggle.setAttribute("aria-pressed", String(!state.masked));
    document.querySelectorAll("[data-veil]").forEach((place) => {
      const text = index.veils[Number(place.dataset.veil)];
      place.replaceChildren(state.masked ? "text masked" : bdi(text));
      place.classList.toggle("veil", state.masked);
    });
    draw();
  });
}

function copying() {
  const copy = document.getElementById("copy");
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById("paragraph").textContent);
    copy.textContent = "Copied";
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-show]");
  if (!link) return;
  event.preventDefault();
  showRecord(Number(link.dataset.show), link.dataset.criterion ?? null);
});
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => (one.open = true)));

if (index.records.length) {
  drawFilters();
  drawLegend();
  refresh();
}
unveil();
copying();
