// What makes the console quicker with a script; every page works without.
"use strict";

const typing = (event) => event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-row]")];
const rowAt = () => document.activeElement?.closest("[data-row]");
const all = (selector) => document.querySelectorAll(selector);

// j and k go through rows, Enter opens one, x chooses it, / searches, n turns the page, g and a letter go elsewhere.
const keys = {
  j: () => step(1),
  k: () => step(-1),
  x: () => rowAt()?.querySelector("input[type=checkbox]")?.click(),
  n: () => document.querySelector("[data-next]")?.click(),
  "/": () => { const search = document.querySelector("[data-search]"); search?.focus(); search?.select(); },
  "?": () => document.getElementById("keys")?.showModal(),
};

function step(by) {
  const among = rows();
  const at = among.indexOf(rowAt());
  const next = among[Math.max(0, Math.min(among.length - 1, at + by))];
  next?.querySelector("a, button, input:not([type=checkbox])")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

// A page's own keys, `data-key`. A form that still wants something says so, and Ctrl and Enter send it from there.
let meant = null;
function press(button) {
  meant = button;
  if (button.type !== "submit" || button.formNoValidate) return button.click();
  const empty = button.form.querySelector(":invalid:not(fieldset)");
  if (empty) return empty.focus();
  button.form.requestSubmit(button);
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.ctrlKey || !event.target.form) return;
  const form = event.target.form;
  form.requestSubmit(meant?.form === form ? meant : form.querySelector("button.primary") ?? undefined);
});

let gone = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || document.querySelector("dialog[open]")) return;
  if (Date.now() - gone < 1500) {
    gone = 0;
    document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") {
    gone = Date.now();
  } else if (event.key === "Enter" && document.activeElement?.matches("[data-row] input[type=checkbox]")) {
    event.preventDefault();
    rowAt().querySelector("a")?.click();
  } else if (document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)) {
    event.preventDefault();
    press(document.querySelector(`[data-key="${CSS.escape(event.key)}"]`));
  } else if (Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});

// What only a script can do is shown only where there is one.
for (const button of all("[data-help]")) {
  button.hidden = false;
  button.addEventListener("click", keys["?"]);
}
for (const button of all("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copy) ?? button.previousElementSibling;
    await navigator.clipboard.writeText(from.textContent.trim());
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  });
}
// A box in a table's head chooses all rows; what counts them says how many are.
for (const box of all("[data-all]")) {
  box.hidden = false;
  box.addEventListener("change", () => {
    for (const one of box.closest("form, table").querySelectorAll("[data-row] input[type=checkbox]")) one.checked = box.checked;
    counted();
  });
}
const counted = () => {
  for (const place of all("[data-chosen]")) place.textContent = all("[data-row] input[type=checkbox]:checked").length;
};
document.addEventListener("change", (event) => {
  counted();
  if (event.target.matches("[data-at-once]")) event.target.form.requestSubmit();
});
counted();

// What is wider than its place can be moved by keys.
for (const wide of all(".scroll, pre, .lines, .diff, figure")) if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;

// What is under way is looked at again, until it has ended.
const lookAgain = () => setTimeout(async () => {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return lookAgain();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  if (!fresh?.querySelector("[data-again]")) return location.reload();
  document.querySelector("main").replaceChildren(...fresh.childNodes);
  lookAgain();
}, 1500);
if (document.querySelector("[data-again]")) lookAgain();

// A page that lives asks for itself anew whenever the server says that something has changed.
for (const place of all("[data-live]")) {
  const told = document.querySelector("[data-live-state]");
  const events = new EventSource(place.dataset.live);
  let asked = 0;
  events.addEventListener("state", async () => {
    const mine = ++asked;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || mine !== asked) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (fresh && !place.contains(document.activeElement)) place.replaceChildren(...fresh.childNodes);
    if (told) told.textContent = "Live";
  });
  events.addEventListener("error", () => { if (told) told.textContent = events.readyState === 2 ? "Ended: reload the page" : "Connecting again"; });
  addEventListener("pagehide", () => events.close());
}
