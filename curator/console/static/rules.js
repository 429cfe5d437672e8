// The editor of rules: line numbers, and what is wrong while one types. Without this, the button "Check" does the same.
"use strict";

const form = document.querySelector("[data-editor]");
const area = form.elements.source;
const shown = document.querySelector("[data-checked]");
const gutter = document.createElement("pre");
gutter.className = "gutter";
gutter.setAttribute("aria-hidden", "true");
area.before(gutter);

let lines = 0;
const number = () => {
  const now = area.value.split("\n").length;
  if (now !== lines) { lines = now; gutter.textContent = Array.from({ length: now }, (_, at) => at + 1).join("\n") + "\n"; }
  gutter.scrollTop = area.scrollTop;
};
area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; });

let asked = 0;
let timer;
const check = async () => {
  const mine = ++asked;
  try {
    const reply = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const text = await reply.text();
    // What was typed since is asked about by a later one.
    if (reply.ok && mine === asked) shown.innerHTML = text;
  } catch {
    // The mirror does not answer for now; the button says so when it is pressed.
  }
};
area.addEventListener("input", () => { number(); clearTimeout(timer); timer = setTimeout(check, 600); });
// Tab leaves the field, as everywhere: rules are indented by blanks.

document.addEventListener("click", (event) => {
  const to = event.target.closest("[data-line]");
  if (!to) return;
  event.preventDefault();
  const before = area.value.split("\n").slice(0, to.dataset.line - 1);
  const at = before.join("\n").length + (before.length ? 1 : 0) + Number(to.dataset.column) - 1;
  area.focus();
  area.setSelectionRange(at, at);
  area.scrollTop = Math.max(0, (to.dataset.line - 6) * parseFloat(getComputedStyle(area).lineHeight));
});
number();
