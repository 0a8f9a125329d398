// A verdict that a reader finds wrong: kept beside the run, never a change of what the model said.
const corrections = [];
const correctionsGoTo = document.querySelector('meta[name="corrections"]');
const runName = document.querySelector('meta[name="run"]').content;
let exported = 0;

function correction(record, cell) {
  if (cell[3] < 0) return null;
  const allowed = index.criteria[cell[0]].v;
  if (allowed && !allowed.length) return null;
  const others = index.verdicts.map((one, at) => [at, one.name]).filter(([at]) => at !== cell[3] && (!allowed || allowed.includes(at)));
  let verdict = others.length ? others[0][0] : -1;
  const reason = el("textarea", { rows: 2, dir: "auto" });
  const said = el("p", { class: "aside", role: "status" });
  const mark = button("Mark as wrong", async () => {
    if (!reason.value.trim()) {
      said.textContent = "Say why: others will go by it.";
      reason.focus();
      return;
    }
    mark.disabled = true;
    said.textContent = await keepCorrection({
      record_id: record.i, criterion: index.criteria[cell[0]].name, model: index.models[cell[1]],
      given: index.verdicts[cell[3]].name, verdict: index.verdicts[verdict].name, reason: reason.value.trim(), run: runName,
    });
    mark.disabled = false;
  });
  return el("details", { class: "correction" }, el("summary", {}, "This verdict is wrong"),
    field("It should be", select(others, (value) => (verdict = Number(value)))), field("Why", reason), el("p", {}, mark), said);
}

async function keepCorrection(made) {
  if (correctionsGoTo) {
    try {
      const answer = await fetch(correctionsGoTo.content, { method: "POST", body: JSON.stringify(made), headers: { "content-type": "application/json" } });
      const text = (await answer.text()).slice(0, 600);
      return answer.ok ? text : `Not saved: ${text}`;
    } catch {
      return "Not saved: the server does not answer.";
    }
  }
  corrections.push(made);
  drawCorrections();
  return "Marked. Export the corrections before you close this page.";
}

function drawCorrections() {
  const place = document.getElementById("corrected");
  place.hidden = false;
  const words = corrections.length === 1 ? "Export 1 correction" : `Export ${corrections.length} corrections`;
  place.replaceChildren(button(words, () => {
    const lines = corrections.map((one) => `${JSON.stringify(one)}\n`).join("");
    const link = el("a", { href: URL.createObjectURL(new Blob([lines], { type: "application/x-ndjson" })), download: "corrections.jsonl" });
    link.click();
    exported = corrections.length;
  }), el("span", { class: "aside" }, " Then: python -m flows code correct corrections.jsonl run=… by=…"));
}

window.addEventListener("beforeunload", (event) => {
  if (exported < corrections.length) event.preventDefault();
});
