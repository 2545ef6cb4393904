// The page of ner.serve: a text goes to POST /tag, and what comes back is marked in it and drawn.

const SENTENCES = 100; // that are drawn: each is an SVG of its own
const colour = (label) => `s${$("form").dataset.labels.split(" ").indexOf(label) % 7}`;
const percent = (probability) => `${(100 * probability).toFixed(1)} %`;
const count = (number, one, more) => `${number} ${number === 1 ? one : more}`;

function marked({ text, sentences }) {
  const characters = [...text]; // offsets count characters, not UTF-16 units
  const parts = [];
  let at = 0;
  for (const { start, end, label, probability } of sentences.flatMap((sentence) => sentence.entities)) {
    const note = make("span", { class: "label" }, `${label} ${percent(probability)}`);
    parts.push(characters.slice(at, start).join(""));
    parts.push(make("mark", { class: colour(label) }, characters.slice(start, end).join(""), note));
    at = end;
  }
  return [...parts, characters.slice(at).join("")];
}

function drawn({ tokens, heads, relations, entities }) {
  const words = tokens.map((token) => token.text);
  const found = entities.map(({ first, last, label, probability }) => (
    { start: first, end: last + 1, text: `${label} ${percent(probability)}`, kind: `found ${colour(label)}` }
  ));
  const spoken = entities.map(({ label, text }) => `${label} “${text}”`);
  const description = `${words.join(" ")}. Entities: ${spoken.join("; ") || "none"}`;
  const tree = heads ? { heads, relations } : null;
  return make("li", { class: "sentence" }, drawing(words, tree, [{ name: "", entities: found }], [], description));
}

async function recognise(event) {
  event.preventDefault();
  const status = $("status");
  status.className = "";
  status.textContent = "Reading…";
  try {
    const body = JSON.stringify({ text: $("input").value });
    const response = await fetch("tag", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    const { sentences } = answer;
    const entities = sentences.flatMap((sentence) => sentence.entities);
    $("text").replaceChildren(...marked(answer));
    $("sentences").replaceChildren(...sentences.slice(0, SENTENCES).map(drawn));
    const numbers = [count(entities.length, "entity", "entities"), count(sentences.length, "sentence", "sentences")];
    status.textContent = numbers.join(", ");
  } catch (error) {
    status.className = "error";
    status.textContent = error.message;
  }
}

theme();
$("form").addEventListener("submit", recognise);
const asked = new URLSearchParams(location.search).get("text"); // a link may bring its text: /?text=...
if (asked !== null) {
  $("input").value = asked;
  $("form").requestSubmit();
}
