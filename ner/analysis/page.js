"use strict";
// The page is complete without this script but for what moves: theme, sorting, legends and the sentence browser.

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
  try { stored = localStorage.getItem("ner-report-theme"); } catch { /* a browser may forbid it */ }
  show(names.includes(stored) ? stored : "auto");
  button.addEventListener("click", () => {
    const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    try { localStorage.setItem("ner-report-theme", next); } catch { /* then it lasts as long as the page */ }
    show(next);
  });
  button.hidden = false;
}

function sorting() {
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent.replaceAll(",", "");
    return Number.isNaN(Number(text)) ? cell.textContent : Number(text);
  };
  const compare = (one, other) => {
    if (typeof one === "number" && typeof other === "number") return one - other;
    if (typeof one !== typeof other) return typeof one === "number" ? 1 : -1;
    return one.localeCompare(other, undefined, { numeric: true });
  };
  for (const head of document.querySelectorAll("table.sortable thead th")) {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const rising = before === "descending" || (before === null && head.classList.contains("text"));
      for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const body = head.closest("table").tBodies[0];
      const column = head.cellIndex;
      const rows = [...body.rows].sort((one, other) => compare(value(one, column), value(other, column)));
      body.append(...(rising ? rows : rows.reverse()));
    });
  }
}

function legends() {
  for (const button of document.querySelectorAll(".legend button")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      const name = button.dataset.series;
      for (const other of document.querySelectorAll(".legend button"))
        if (other.dataset.series === name) other.setAttribute("aria-pressed", String(shown));
      for (const series of document.querySelectorAll("figure .series"))
        if (series.dataset.series === name) series.toggleAttribute("hidden", !shown);
    });
  }
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

// ---- The sentence browser ----------------------------------------------------------------------------------------

const ABSENT = -1, CORRECT = 0, PAGE = 8;

function browser() {
  const { systems, seeds, labels, relations, outcomes, sentences } = JSON.parse($("sentence-data").textContent);
  const all = sentences.map(([document, words, heads, relationIds, entities]) => ({
    document,
    words,
    text: words.join(" ").toLowerCase(),
    tree: heads.length ? { heads, relations: relationIds.map((id) => relations[id]) } : null,
    entities: entities.map(([start, end, label, gold, head, found, times]) => (
      { start, end, label: labels[label], gold: gold === 1, head, found, times }
    )),
  }));
  const form = $("filters");
  const field = (name) => form.elements[name];
  const missed = outcomes.indexOf("missed");
  let page = 0;

  const initial = (element) => (element.name === "system" ? "0" : "");
  const gets = (entity, system) => entity.times[system] * 2 > seeds[system].length;
  const misses = (entity, system) => entity.times[system] * 2 < seeds[system].length;
  const quoted = (sentence, { start, end }) => `“${sentence.words.slice(start, end).join(" ")}”`;
  const overlaps = (one, other) => one.start < other.end && other.start < one.end;

  function wanted() {
    const names = ["label", "outcome", "relation", "genre"];
    const [label, outcome, relation, genre] = names.map((name) => field(name).value);
    const system = Number(field("system").value);
    const other = field("other").value === "" ? null : Number(field("other").value);
    return { system, other, label, outcome, relation, genre, text: field("text").value.trim().toLowerCase() };
  }

  function isHit(sentence, entity, want) {
    const found = entity.found[want.system];
    if (want.label !== "" && entity.label !== want.label) return false;
    if (want.relation !== "" && sentence.tree?.relations[entity.head] !== want.relation) return false;
    if (!entity.gold && found === ABSENT) return false;
    if (want.outcome === "") return true;
    if (want.outcome === "error") return found !== CORRECT;
    if (want.outcome === "gained") return entity.gold && gets(entity, want.system) && misses(entity, want.other);
    if (want.outcome === "lost") return entity.gold && misses(entity, want.system) && gets(entity, want.other);
    return found === Number(want.outcome);
  }

  function select(want) {
    const open = want.label === "" && want.outcome === "" && want.relation === "";
    const chosen = [];
    for (const sentence of all) {
      if (want.genre !== "" && sentence.document.split("/", 1)[0] !== want.genre) continue;
      if (want.text !== "" && !sentence.text.includes(want.text)) continue;
      const hits = open ? [] : sentence.entities.filter((entity) => isHit(sentence, entity, want));
      if (open || hits.length) chosen.push({ sentence, hits });
    }
    return chosen;
  }

  function rowOf(sentence, system) {
    const isPredicted = ({ gold, found }) => (gold ? found[system] === CORRECT : found[system] !== ABSENT);
    const predicted = sentence.entities.filter(isPredicted);
    const entities = predicted.map((entity) => (
      { ...entity, kind: entity.gold ? "right" : "wrong", text: `${entity.gold ? "✓" : "✗"} ${entity.label}` }
    ));
    for (const entity of sentence.entities)
      if (entity.gold && !predicted.some((other) => overlaps(entity, other)))
        entities.push({ ...entity, kind: "missed", text: "missed" });
    return { name: systems[system], entities };
  }

  function runs(entity, shown) {
    if (shown.every((system) => seeds[system].length === 1)) return "";
    return ` (${shown.map((system) => `${entity.times[system]} of ${seeds[system].length}`).join("; ")})`;
  }

  // What is wrong, and what the filters choose. A gold entity that another was predicted in place of is named with it.
  function said(sentence, hits, system, other) {
    const list = make("ul", { class: "said" });
    const shown = other === null ? [system] : [system, other];
    const named = (entity) => `${entity.label} ${quoted(sentence, entity)}`;
    for (const entity of sentence.entities) {
      const found = entity.found[system];
      const isHit = hits.includes(entity);
      if (entity.gold ? !isHit && found !== missed : found === ABSENT) continue;
      const instead = (one) => !entity.gold && one.gold && one.found[system] === found && overlaps(entity, one);
      const gold = sentence.entities.filter(instead).map((one) => `, gold ${named(one)}`);
      const text = ` ${named(entity)}${gold.join("")}${runs(entity, shown)}`;
      list.append(make("li", isHit ? { class: "hit" } : {}, make("b", {}, `${outcomes[found]}:`), text));
    }
    return list;
  }

  function show({ sentence, hits }, want) {
    const gold = sentence.entities.filter((entity) => entity.gold);
    const rows = [
      { name: "gold", entities: gold.map((entity) => ({ ...entity, kind: "gold", text: entity.label })) },
      rowOf(sentence, want.system),
      ...(want.other === null ? [] : [rowOf(sentence, want.other)]),
    ];
    const inWords = (text) => text.replace("✓", "right,").replace("✗", "wrong,");
    const spoken = (entity) => `${inWords(entity.text)} ${quoted(sentence, entity)}`;
    const described = rows.map((row) => `${row.name}: ${row.entities.map(spoken).join("; ") || "no entity"}`);
    const tree = field("trees").checked ? sentence.tree : null;
    return make(
      "li",
      { class: "sentence" },
      make("h3", {}, sentence.document || "no document"),
      said(sentence, hits, want.system, want.other),
      drawing(sentence.words, tree, rows, hits, [sentence.words.join(" "), ...described].join(". ")),
    );
  }

  function update() {
    const want = wanted();
    const compared = want.other !== null && want.other !== want.system;
    for (const option of field("outcome").options) {
      if (option.dataset.compares === undefined) continue;
      option.disabled = !compared;
      if (!compared && option.selected) { field("outcome").value = ""; want.outcome = ""; }
    }
    if (!compared) want.other = null;
    const chosen = select(want);
    const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    $("sentence-list").replaceChildren(...chosen.slice(page * PAGE, (page + 1) * PAGE).map((one) => show(one, want)));
    for (const scroll of document.querySelectorAll("#sentence-list .scroll[data-from]")) {
      const { clientWidth, dataset } = scroll;
      if (dataset.from > clientWidth * 0.8) scroll.scrollLeft = dataset.from - clientWidth / 2;
    }
    const number = (count) => count.toLocaleString("en");
    const hits = chosen.reduce((sum, one) => sum + one.hits.length, 0);
    const such = hits ? ` with ${number(hits)} such entities, gold or predicted` : "";
    for (const output of document.querySelectorAll(".pager output"))
      output.textContent = chosen.length
        ? `${number(chosen.length)} of ${number(all.length)} sentences${such}; page ${page + 1} of ${number(pages)}`
        : `None of the ${number(all.length)} sentences here is so.`;
    for (const button of document.querySelectorAll(".pager button"))
      button.disabled = button.dataset.step === "-1" ? page === 0 : page === pages - 1;
  }

  // The filters stand in the address, so that it can be passed on.
  function remember() {
    const state = new URLSearchParams();
    for (const element of form.elements) {
      const { name, type, value, checked } = element;
      if (type === "checkbox" && !checked) state.set(name, "0");
      if (type !== "checkbox" && name && value !== initial(element)) state.set(name, value);
    }
    if (page) state.set("page", String(page + 1));
    history.replaceState(null, "", `#sentences${state.size ? `?${state}` : ""}`);
  }

  function recall() {
    const [place, query] = location.hash.split("?");
    if (place !== "#sentences" || query === undefined) return false;
    const state = new URLSearchParams(query);
    for (const element of form.elements) {
      if (element.type === "checkbox") element.checked = true;
      else if (element.name) element.value = initial(element);
    }
    for (const [name, value] of state) {
      const element = field(name);
      if (!element) continue;
      if (element.type === "checkbox") element.checked = value !== "0";
      else if (!element.options || [...element.options].some((one) => one.value === value)) element.value = value;
    }
    page = Number(state.get("page") ?? 1) - 1 || 0;
    return true;
  }

  function turnTo(number) {
    page = number;
    update();
    remember();
  }

  form.addEventListener("input", () => turnTo(0));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => turnTo(0))); // once the fields are reset
  for (const button of document.querySelectorAll(".pager button")) {
    button.addEventListener("click", () => {
      turnTo(page + Number(button.dataset.step));
      $("filters").scrollIntoView();
    });
  }
  const follow = () => {
    if (!recall()) return;
    update();
    $("filters").scrollIntoView();
  };
  addEventListener("hashchange", follow);
  update();
  follow();
}

theme();
sorting();
legends();
if ($("sentence-data")) browser();
