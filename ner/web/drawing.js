"use strict";
// What the report's page and that of a tagged document have in common: elements, the theme, and how a sentence is drawn.

const $ = (id) => document.getElementById(id);

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function draw(name, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  return element;
}

function theme() {
  const names = ["auto", "light", "dark"];
  const button = $("theme");
  const show = (name) => {
    document.documentElement.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
  };
  let stored = null;
  try { stored = localStorage.getItem("ner-theme"); } catch { /* a browser may forbid it */ }
  show(names.includes(stored) ? stored : "auto");
  button.addEventListener("click", () => {
    const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    try { localStorage.setItem("ner-theme", next); } catch { /* then it lasts as long as the page */ }
    show(next);
  });
  button.hidden = false;
}

// ---- The drawing of one sentence ---------------------------------------------------------------------------------

const pen = document.createElement("canvas").getContext("2d");
const widthOf = (text, size, weight = 400) => {
  pen.font = `${weight} ${size}px ${getComputedStyle(document.documentElement).fontFamily}`;
  return pen.measureText(text).width;
};
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
const GAP = 12, STEP = 15, FOOT = 7, ROW = 22, BAR = 18;

// Each arc lies one level above what it spans, so that no two run over each other.
function levels(heads) {
  const arcs = heads
    .map((head, word) => ({ word, head, left: Math.min(head, word), right: Math.max(head, word) }))
    .filter((arc) => arc.word !== arc.head)
    .sort((one, other) => one.right - one.left - (other.right - other.left) || one.left - other.left);
  const height = new Array(heads.length).fill(0);
  for (const arc of arcs) {
    arc.level = 1 + Math.max(...height.slice(arc.left, arc.right));
    height.fill(arc.level, arc.left, arc.right);
  }
  return arcs;
}

// The arcs that end at a word stand side by side: the longer an arc to the left, the further right, and the reverse.
function feet(arcs, heads) {
  const ends = heads.map(() => []);
  for (const arc of arcs) {
    ends[arc.left].push({ arc, order: 2e6 - (arc.right - arc.left) });
    ends[arc.right].push({ arc, order: arc.right - arc.left });
  }
  heads.forEach((head, word) => { if (head === word) ends[word].push({ arc: null, order: 1e6 }); });
  for (const list of ends) list.sort((one, other) => one.order - other.order);
  return ends;
}

// The centre of each word and the room it takes: enough for its arcs, for their relations and for entities' labels.
function places(words, relations, arcs, ends, labels) {
  const room = words.map((word, i) => {
    const root = ends[i].some((end) => end.arc === null) ? widthOf(relations[i], 11) : 0;
    return Math.max(widthOf(word, 15, 600), root + FOOT * ends[i].length);
  });
  const adjacent = new Array(words.length).fill(0);
  for (const { left, right, word } of arcs) {
    if (right !== left + 1) continue;
    const feet = (FOOT * (ends[left].length + ends[right].length)) / 2;
    adjacent[left] = Math.max(adjacent[left], widthOf(relations[word], 11) + 16 + feet);
  }
  const centres = () => {
    const found = [room[0] / 2 + 5];
    for (let i = 1; i < room.length; i += 1)
      found.push(found[i - 1] + Math.max((room[i - 1] + room[i]) / 2 + GAP, adjacent[i - 1]));
    return found;
  };
  let at = centres();
  for (const { start, end, text } of [...labels].sort((one, other) => one.end - other.end)) {
    const have = at[end - 1] + room[end - 1] / 2 - (at[start] - room[start] / 2) + 6;
    const want = widthOf(text, 11, 600) + 14;
    if (want > have) {
      room[end - 1] += want - have;
      at = centres();
    }
  }
  return { at, room };
}

// `rows` is a list of { name, entities: [{ start, end, text, kind }] } below the words, the gold ones first; `hits` are
// the entities that the filters choose.
function drawing(words, tree, rows, hits, description) {
  const strong = new Set(hits.map((entity) => entity.head));
  const arcs = tree ? levels(tree.heads) : [];
  const ends = tree ? feet(arcs, tree.heads) : words.map(() => []);
  const { at, room } = places(words, tree ? tree.relations : [], arcs, ends, rows.flatMap((row) => row.entities));
  const last = words.length - 1;
  const width = Math.ceil(at[last] + room[last] / 2 + 5);
  const mirrored = words.filter((word) => RIGHT_TO_LEFT.test(word)).length * 2 > words.length;
  const x = mirrored ? (place) => width - place : (place) => place;
  const top = Math.max(0, ...arcs.map((arc) => arc.level));
  const base = tree ? 16 + STEP * (top + 1) : 4; // where the arcs stand
  const line = base + 18; // the baseline of the words
  const height = line + 10 + ROW * rows.length;
  const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": description });
  const foot = (word, arc) => {
    const list = ends[word];
    return x(at[word] + FOOT * (list.findIndex((end) => end.arc === arc) - (list.length - 1) / 2));
  };
  const lines = draw("g");
  const relations = draw("g"); // above all lines
  const arc = (word, path, to, labelX, labelY) => {
    const kind = strong.has(word) ? "strong" : "";
    const tip = `M${to - 3.2} ${base - 6}h6.4l-3.2 6.5z`;
    lines.append(draw("g", { class: kind }));
    lines.lastChild.append(draw("path", { class: "arc", d: path }), draw("path", { class: "tip", d: tip }));
    relations.append(draw("g", { class: kind }));
    relations.lastChild.append(draw("text", { class: "relation", x: labelX, y: labelY }, tree.relations[word]));
  };
  for (const one of arcs) {
    const from = foot(one.head, one), to = foot(one.word, one);
    const y = base - 4 - STEP * one.level;
    const rise = Math.min(7, Math.abs(to - from) / 2);
    const bend = rise * Math.sign(to - from);
    const rising = `M${from} ${base}V${y + rise}Q${from} ${y} ${from + bend} ${y}`;
    const falling = `H${to - bend}Q${to} ${y} ${to} ${y + rise}V${base - 5}`;
    arc(one.word, rising + falling, to, (from + to) / 2, y + 3.5);
  }
  (tree ? tree.heads : []).forEach((head, word) => {
    if (head === word) arc(word, `M${foot(word, null)} 16V${base - 5}`, foot(word, null), foot(word, null), 12);
  });
  svg.append(lines, relations);
  words.forEach((word, i) => {
    const inside = rows[0].entities.some((entity) => entity.start <= i && i < entity.end);
    svg.append(draw("text", { class: inside ? "word inside" : "word", x: x(at[i]), y: line }, word));
  });
  rows.forEach((row, number) => {
    const y = line + 8 + ROW * number;
    for (const { start, end, text, kind } of row.entities) {
      const left = at[start] - room[start] / 2 - 3, right = at[end - 1] + room[end - 1] / 2 + 3;
      const group = draw("g", { class: `entity ${kind}` });
      group.append(
        draw("rect", { x: Math.min(x(left), x(right)), y, width: right - left, height: BAR, rx: 3 }),
        draw("text", { x: x((left + right) / 2), y: y + 13 }, text),
      );
      svg.append(group);
    }
  });
  const names = make("div", { class: "names", "aria-hidden": "true" });
  rows.forEach((row, number) => {
    const place = { style: `top:${line + 8 + ROW * number}px`, title: row.name };
    names.append(make("i", {}, row.name), make("span", place, row.name)); // the first makes room for the second
  });
  const group = { class: "scroll", tabindex: "0", role: "group", "aria-label": "drawing, scrolls sideways" };
  const scroll = make("div", group);
  if (mirrored) scroll.dir = "rtl";
  else if (hits.length) scroll.dataset.from = at[Math.min(...hits.map((entity) => entity.start))];
  scroll.append(svg);
  return make("div", { class: "drawing" }, names, scroll);
}
