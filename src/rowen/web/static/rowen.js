// What is nicer with JavaScript; every page works without it.
const root = document.documentElement;
const kept = recall();
if (kept) root.dataset.theme = kept;

// What needs this script is hidden until it is here.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-theme-toggle], [data-tail]")) button.hidden = false;
  if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember(root.dataset.theme);
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => said(copy, "Copied"), () => said(copy, "Not allowed"));
});

// From trace to trace in the order of the list that somebody came from.
document.addEventListener("DOMContentLoaded", () => {
  if (document.querySelector("[data-rows]")) window.addEventListener("pagehide", () => {
    const links = [...document.querySelectorAll("[data-rows] tr[data-row] a[href^='/traces/']")].map((link) => link.getAttribute("href"));
    remember([...new Set(links)].join(" "), "list", "sessionStorage");
  });
  for (const button of document.querySelectorAll("[data-walk]")) button.hidden = !beside(Number(button.dataset.walk));
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-walk]");
  if (button) location.assign(beside(Number(button.dataset.walk)));
});
function beside(step) {
  const here = document.querySelector("[data-trace]")?.dataset.trace;
  const list = (recall("list", "sessionStorage") ?? "").split(" ");
  const place = list.indexOf(here);
  return here && place >= 0 ? list[place + step] : undefined;
}

// The live tail puts new rows on top, and keeps as many as a page has.
let tail;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-tail]");
  if (!button) return;
  const rows = document.querySelector("[data-rows]");
  if (tail || !rows) { tail?.close(); tail = undefined; button.setAttribute("aria-pressed", "false"); if (!rows) location.reload(); return; }
  button.setAttribute("aria-pressed", "true");
  tail = new EventSource(button.dataset.tail);
  tail.addEventListener("row", (said) => {
    rows.insertAdjacentHTML("afterbegin", said.data);
    rows.firstElementChild.classList.add("new");
    while (rows.children.length > 50) rows.lastElementChild.remove();
  });
  tail.addEventListener("more", (said) => { document.querySelector("[data-told]").textContent = said.data; });
});

document.addEventListener("input", (event) => {
  const told = event.target.matches("input[type=range]") && event.target.parentElement.querySelector("output");
  if (told) told.textContent = Number(event.target.value).toLocaleString("en");
});

document.addEventListener("submit", (event) => {
  const sure = event.target.dataset.sure;
  if (sure && !confirm(sure)) event.preventDefault();
  // Empty fields stay out of the address.
  if (event.target.method === "get") for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
});
// Back from the next page the form is whole again.
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[method=get] :disabled")) field.disabled = false;
});

// j and k walk through a list, Enter opens the row, / goes to the search; not while somebody writes.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const step = { j: 1, k: -1 }[event.key];
  if (step) walk(step);
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
});

// Review by keyboard: digits choose, c keeps a case, Enter saves, x skips.
document.addEventListener("keydown", (event) => {
  const form = document.querySelector("form[data-rate]");
  if (!form || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("textarea, input:not([type=radio], [type=checkbox]), select, a, button")) return;
  // Digits go to the first choice that is still open, so that several are given one after the other.
  const choices = [...form.querySelectorAll(".choice")];
  const open = choices.find((each) => !each.querySelector("input:checked")) ?? choices[0];
  const scope = /^[0-9]$/.test(event.key) ? open : form;
  const target = scope?.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  target.click();
});

// A part that changes while somebody looks at it is asked for again until what comes says that it has ended.
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll("[data-fresh]")) {
    const again = setInterval(async () => {
      if (document.hidden) return;
      const answer = await fetch(part.dataset.fresh).catch(() => null);
      if (!answer?.ok || answer.redirected) { clearInterval(again); return; }
      part.innerHTML = await answer.text();
      if (!part.querySelector("progress")) clearInterval(again);
    }, 2000);
  }
});

function walk(step) {
  const rows = [...document.querySelectorAll("tr[data-row]")];
  if (document.querySelector("[data-trace]") && beside(step)) { location.assign(beside(step)); return; }
  if (!rows.length) return;
  const here = rows.findIndex((row) => row.hasAttribute("data-here"));
  const next = rows[Math.min(Math.max(here + step, 0), rows.length - 1)];
  for (const row of rows) row.removeAttribute("data-here");
  next.setAttribute("data-here", "");
  const link = next.querySelector("a");
  link.focus();
  link.scrollIntoView({ block: "nearest" });
}

function said(button, words) {
  const before = button.dataset.before ?? button.textContent;
  button.dataset.before = before;
  // The width stays, so that nothing beside it moves.
  button.style.minWidth = `${button.offsetWidth}px`;
  button.textContent = words;
  document.querySelector("[data-told]").textContent = words;
  setTimeout(() => { button.textContent = before; }, 1200);
}

// A browser may forbid storage; the choice then holds for this page.
function recall(name = "theme", where = "localStorage") { try { return window[where].getItem(name); } catch { return null; } }
function remember(value, name = "theme", where = "localStorage") { try { window[where].setItem(name, value); } catch { /* as said above */ } }
