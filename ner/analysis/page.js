// The report: sorting, legends and the sentence browser. Without this script the page is complete but for these.

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
  for (const header of document.querySelectorAll("table.sortable thead th")) {
    const button = make("button", { type: "button" }, ...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const before = header.getAttribute("aria-sort");
      const rising = before === "descending" || (before === null && header.classList.contains("text"));
      for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const body = header.closest("table").tBodies[0];
      const column = header.cellIndex;
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

// ---- The sentence browser ----------------------------------------------------------------------------------------

const ABSENT = -1, CORRECT = 0, PAGE = 8;

function browser() {
  const { systems, seeds, labels, relations, outcomes, sentences } = JSON.parse($("sentence-data").textContent);
  const all = sentences.map(([number, document, words, heads, relationIds, entities]) => ({
    number,
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
    const names = ["label", "outcome", "relation", "genre", "number"];
    const [label, outcome, relation, genre, number] = names.map((name) => field(name).value);
    const system = Number(field("system").value);
    const other = field("other").value === "" ? null : Number(field("other").value);
    return { system, other, label, outcome, relation, genre, number, text: field("text").value.trim().toLowerCase() };
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
      if (want.number !== "" && sentence.number !== Number(want.number)) continue;
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

  function title({ number, document }) {
    const link = make("a", { href: `#sentences?number=${number}` }, `Sentence ${number.toLocaleString("en")}`);
    return [link, document ? ` of ${document}` : ""];
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
      make("h3", {}, ...title(sentence)),
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
        : `None of the ${number(all.length)} sentences in this file matches.`;
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
