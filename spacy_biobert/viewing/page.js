"use strict";

const root = document.documentElement;
const main = document.getElementById("documents");
const card = document.getElementById("card");
const legend = document.querySelector(".legend");
const texts = [...main.querySelectorAll(".text")];
root.dataset.script = "";
// In a narrow window the lists are folded, so that the text comes first.
if (matchMedia("(max-width: 62rem)").matches) {
  for (const fold of document.querySelectorAll(".fold")) fold.open = false;
}

// ---- Which mentions and relations are shown -------------------------------------

const off = new Set(); // numbers of labels
let least = 0;
let filtered = null; // what can be hidden, found at the first filter

function partsOf(article, mention) {
  return [...article.querySelectorAll(`mark[data-m="${mention}"]`)];
}

// Of a row's pairs the mentions of both ends and the score, as in "1,5>3:0.98".
function pairsOf(row) {
  return row.dataset.p.split(" ").map((pair) => {
    const [arg1, arg2, score] = pair.split(/[>:]/);
    return { ends: [arg1, arg2].map((end) => (end ? end.split(",") : [])), score };
  });
}

function findFiltered() {
  const rows = [...main.querySelectorAll("tr[data-p]")].map((row) => {
    const { id } = row.closest("article");
    const find = (mention) => document.getElementById(`${id}m${mention}`);
    const pairs = pairsOf(row).map(({ ends, score }) => ({ ends: ends.map((end) => end.map(find)), score }));
    return { row, pairs };
  });
  const figures = [...main.querySelectorAll("h3 span, summary span")].map((figure) => ({
    figure, all: figure.textContent,
    rows: [...figure.closest("details, section").querySelectorAll("tr[data-p]")] }));
  return {
    marks: [...main.querySelectorAll("mark")],
    figures,
    rows,
    topics: [...main.querySelectorAll(".topics li")],
    buttons: [...legend.querySelectorAll(":is(.marked, .relations) [data-l]")].map((button) => ({
      button, figure: button.querySelector("span"), all: button.querySelector("span").textContent })),
  };
}

function isSure(stated) {
  return !stated || Number(stated) >= least;
}

function set(element, hidden) {
  if (hidden !== element.hasAttribute("data-off")) element.toggleAttribute("data-off", hidden);
}

function tell(figure, n, all) {
  const text = n.toLocaleString("en");
  figure.textContent = text === all ? all : `${text} of ${all}`;
}

function filter() {
  filtered ??= findFiltered();
  const shown = new Map();
  const count = (element, n) => shown.set(element.dataset.l, (shown.get(element.dataset.l) ?? 0) + n);
  for (const mark of filtered.marks) {
    set(mark, off.has(mark.dataset.l) || !isSure(mark.dataset.c));
    if (mark.id && !mark.hasAttribute("data-off")) count(mark, 1);
  }
  // An end without mentions is a concept that the text does not name.
  const seen = (end) => !end.length || end.some((mark) => !mark.hasAttribute("data-off"));
  for (const { row, pairs } of filtered.rows) {
    const left = off.has(row.dataset.l) ? 0
      : pairs.filter(({ ends, score }) => isSure(score) && ends.every(seen)).length;
    set(row, !left);
    count(row, left);
  }
  for (const topic of filtered.topics) set(topic, off.has(topic.dataset.l));
  for (const { button, figure, all } of filtered.buttons) tell(figure, shown.get(button.dataset.l) ?? 0, all);
  for (const { figure, rows, all } of filtered.figures) {
    tell(figure, rows.filter((row) => !row.hasAttribute("data-off")).length, all);
  }
  for (const text of texts) rove(text);
  hide();
  const n = filtered.marks.filter((mark) => mark.id && !mark.hasAttribute("data-off")).length;
  document.getElementById("status").textContent = `${n.toLocaleString("en")} marked`;
}

function press(button, pressed) {
  button.setAttribute("aria-pressed", pressed);
  if (pressed) off.delete(button.dataset.l);
  else off.add(button.dataset.l);
}

legend.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.all) {
    for (const other of button.closest("[role=group]").querySelectorAll("[data-l]")) {
      press(other, button.dataset.all === "true");
    }
  } else press(button, button.getAttribute("aria-pressed") !== "true");
  filter();
});

const slider = document.getElementById("least");
let waiting = false;
slider.addEventListener("input", () => {
  document.getElementById("shown-least").textContent = Number(slider.value).toFixed(2);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    least = Number(slider.value);
    filter();
  });
});

document.getElementById("labels").addEventListener("click", (event) => {
  const shown = event.currentTarget.getAttribute("aria-pressed") !== "true";
  event.currentTarget.setAttribute("aria-pressed", shown);
  root.dataset.labels = shown ? "on" : "off";
});

for (const button of document.querySelectorAll("button[data-theme]")) {
  button.addEventListener("click", () => {
    root.dataset.theme = button.dataset.theme;
    for (const other of document.querySelectorAll("button[data-theme]")) {
      other.setAttribute("aria-pressed", other === button);
    }
  });
}

// ---- Which documents are shown ----------------------------------------------------

const listed = [...document.querySelectorAll("nav li")].map((item, i) => ({
  item, article: main.children[i], words: `${item.textContent} ${item.dataset.t}`.toLowerCase() }));

document.getElementById("search").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  let n = 0;
  for (const { item, article, words } of listed) {
    const hidden = !words.includes(wanted);
    item.hidden = article.hidden = hidden;
    n += !hidden;
  }
  document.getElementById("found").textContent = wanted ? `${n} of ${listed.length}` : "";
});

// ---- Highlights -------------------------------------------------------------------

let lit = [];

function light(elements, how) {
  for (const element of elements) {
    element.dataset.lit = how;
    lit.push(element);
  }
}

function unlight() {
  for (const element of lit) delete element.dataset.lit;
  lit = [];
}

function lightRow(row) {
  unlight();
  const article = row.closest("article");
  light([row], "row");
  for (const { ends, score } of pairsOf(row)) {
    if (!isSure(score)) continue;
    for (const mention of ends[0]) light(partsOf(article, mention), "1");
    for (const mention of ends[1]) light(partsOf(article, mention), "2");
  }
}

// The relations that a mention is an end of, the most probable first.
function relationsOf(mark) {
  const found = [];
  for (const row of mark.closest("article").querySelectorAll("tr[data-p]:not([data-off])")) {
    for (const { ends, score } of pairsOf(row)) {
      const place = ends.findIndex((end) => end.includes(mark.dataset.m));
      if (place >= 0 && isSure(score)) found.push({ row, place, others: ends[1 - place], score });
    }
  }
  return found;
}

function lightMark(mark) {
  unlight();
  const article = mark.closest("article");
  for (const { row, place, others } of relationsOf(mark)) {
    light([row], "row");
    for (const other of others) light(partsOf(article, other), String(2 - place));
  }
  light(partsOf(article, mark.dataset.m), "0");
}

// ---- The card of a mention ---------------------------------------------------------

const CARD_RELATIONS = 5;
let described = null;
let leaving = 0;

function line(text, kind) {
  const element = document.createElement("p");
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function labelOf(mark) {
  const parts = partsOf(mark.closest("article"), mark.dataset.m);
  return parts.at(-1).querySelector(":scope > b")?.textContent ?? "";
}

function head(mark) {
  const element = line("", "head");
  const label = document.createElement("strong");
  const confidence = document.createElement("span");
  label.dataset.l = mark.dataset.l;
  label.textContent = labelOf(mark);
  confidence.textContent = mark.dataset.c ? `confidence ${Number(mark.dataset.c).toFixed(2)}` : "";
  element.append(label, confidence);
  return element;
}

function relationLines(mark) {
  const best = new Map(); // of each row the first, which is the most probable
  for (const found of relationsOf(mark)) {
    if (!best.has(found.row)) best.set(found.row, found);
  }
  const lines = [...best.values()].slice(0, CARD_RELATIONS).map(({ row, place, score }) => {
    const label = row.cells[1].firstChild.textContent.trim();
    const end = row.cells[2 - 2 * place];
    const other = (end.querySelector("a") ?? end).textContent;
    const words = place ? `${other} → ${label} → this` : `this → ${label} → ${other}`;
    return line(score ? `${words} (${Number(score).toFixed(2)})` : words);
  });
  const n = best.size - CARD_RELATIONS;
  if (n > 0) lines.push(line(`and ${n} more relation${n > 1 ? "s" : ""}`, "quiet"));
  return lines;
}

function show(mark) {
  clearTimeout(leaving);
  if (mark.hasAttribute("data-off") || described === mark) return;
  hide();
  described = mark;
  const first = document.getElementById(`${mark.closest("article").id}m${mark.dataset.m}`);
  const about = [head(mark)];
  if (first.dataset.k) about.push(line(first.dataset.k, "quiet"));
  if (first.dataset.a) about.push(line(first.dataset.a, "quiet"));
  about.push(...relationLines(mark));
  for (let outer = mark.parentElement.closest("mark"); outer; outer = outer.parentElement.closest("mark")) {
    if (!outer.hasAttribute("data-off")) about.push(line("inside of", "quiet"), head(outer));
  }
  card.replaceChildren(...about);
  card.hidden = false;
  mark.setAttribute("aria-describedby", "card");
  place(mark);
  lightMark(mark);
}

function place(mark) {
  const at = mark.getClientRects()[0];
  const { width, height } = card.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, root.clientWidth - width - 8));
  const below = mark.getBoundingClientRect().bottom + 8;
  const top = below + height > root.clientHeight && at.top - height - 8 > 0 ? at.top - height - 8 : below;
  card.style.left = `${left + scrollX}px`;
  card.style.top = `${top + scrollY}px`;
}

function hide() {
  clearTimeout(leaving);
  described?.removeAttribute("aria-describedby");
  described = null;
  card.hidden = true;
  unlight();
}

function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    hide();
    look(document.activeElement);
  }, 150);
}

// Show what an element under the pointer or with the focus is about.
function look(element) {
  const mark = element?.closest?.("mark:not([data-off])");
  const row = element?.closest?.("tr[data-p]");
  if (mark) show(mark);
  else if (row) {
    hide();
    lightRow(row);
  }
}

main.addEventListener("pointerover", (event) => look(event.target));
main.addEventListener("pointerout", leave);
card.addEventListener("pointerenter", () => clearTimeout(leaving));
card.addEventListener("pointerleave", leave);
main.addEventListener("focusin", (event) => {
  look(event.target);
  const text = event.target.closest(".text");
  if (text && event.target.id) rove(text, event.target);
});
main.addEventListener("focusout", () => hide());

// ---- The keyboard -------------------------------------------------------------------

// Of a text's mentions one is a stop of Tab: the first, or the last that had the focus.
function rove(text, to) {
  const stop = text.querySelector('[tabindex="0"]');
  const next = to ?? (stop?.matches(":not([data-off])") ? stop : text.querySelector("mark[id]:not([data-off])"));
  if (next === stop) return;
  stop?.setAttribute("tabindex", "-1");
  next?.setAttribute("tabindex", "0");
}
for (const text of texts) rove(text);

function step(mark, key) {
  const marks = [...mark.closest(".text").querySelectorAll("mark[id]:not([data-off])")];
  const i = marks.indexOf(mark);
  return { ArrowRight: marks[i + 1], ArrowLeft: marks[i - 1], Home: marks[0], End: marks.at(-1) }[key];
}

function firstRelation(mark) {
  const row = relationsOf(mark)[0]?.row;
  const fold = row?.closest("details");
  if (fold) fold.open = true;
  return row?.querySelector("a");
}

main.addEventListener("keydown", (event) => {
  const mark = event.target.closest("mark[id]");
  if (!mark || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const next = event.key === "Enter" ? firstRelation(mark) : step(mark, event.key);
  if (!next) return;
  event.preventDefault();
  next.focus();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});

// A link to a mention also gives it the focus, so that its card is seen.
main.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  const target = document.getElementById(link.hash.slice(1));
  if (target) setTimeout(() => target.focus({ preventScroll: true }));
});
