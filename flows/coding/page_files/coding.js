"use strict";
// Everything here is a help: the page does all it must without it.
(() => {
  const form = document.getElementById("answer");
  const mistakes = document.getElementById("mistakes");
  if (mistakes) mistakes.focus();
  if (!form || !document.getElementById("take")) return;
  const byId = (id) => document.getElementById(id);
  const say = (words) => { byId("said").textContent = words; };

  // Time: only while the page is to be seen.
  let seen = 0;
  let since = document.hidden ? 0 : performance.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) seen += performance.now() - since;
    else since = performance.now();
  });
  const isSent = new Set();
  form.addEventListener("submit", (event) => {
    const now = seen + (document.hidden ? 0 : performance.now() - since);
    byId("active").value = (now / 1000).toFixed(1);
    if (isSent.has(form)) event.preventDefault();
    isSent.add(form);
  });
  window.addEventListener("pageshow", () => isSent.clear());

  // Quotations: the words selected in the record, one a line.
  const words = byId("words");
  const take = byId("take");
  take.hidden = false;
  const selected = () => {
    const selection = document.getSelection();
    const inside = selection.rangeCount && words.contains(selection.getRangeAt(0).commonAncestorContainer);
    return inside ? selection.toString().replace(/\s+/g, " ").trim() : "";
  };
  const quote = () => {
    const text = selected();
    if (!text) { say("Select words of the record first"); return; }
    const field = byId("quotes");
    field.value = [field.value.trim(), text].filter(Boolean).join("\n");
    say(`Quoted: ${text}`);
  };
  take.addEventListener("pointerdown", (event) => event.preventDefault());
  take.addEventListener("click", quote);

  // Keys: one can switch them off, since they may be in the way of other programs.
  const keys = byId("keys-on");
  byId("keys").hidden = false;
  try { keys.checked = localStorage.getItem("coding-keys") !== "off"; } catch { keys.checked = true; }
  keys.addEventListener("change", () => {
    try { localStorage.setItem("coding-keys", keys.checked ? "on" : "off"); } catch { /* the choice holds for this page */ }
  });
  const choose = (key) => {
    if (!/^[0-9]$/.test(key)) return false;
    const choice = form.querySelector(`input[data-key="${key}"]`);
    if (!choice) return false;
    choice.checked = choice.type !== "checkbox" || !choice.checked;
    choice.focus();
    return true;
  };
  const open = () => { byId("unclear").closest("details").open = true; };
  const actions = {
    r: () => byId("reason").focus(),
    q: quote,
    s: () => { const masked = byId("masked"); if (masked) masked.open = !masked.open; },
    x: () => { open(); byId("unclear").checked = !byId("unclear").checked; byId("unclear").focus(); },
    u: () => byId("undo") && byId("undo").requestSubmit(),
    Enter: () => form.requestSubmit(),
  };
  document.addEventListener("keydown", (event) => {
    if (!keys.checked || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (event.target.closest("textarea, input[type=number]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    if (choose(event.key)) { event.preventDefault(); return; }
    if (Object.hasOwn(actions, event.key)) { event.preventDefault(); actions[event.key](); }
  });
})();
