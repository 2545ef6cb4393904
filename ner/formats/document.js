// Tagged documents: each sentence is drawn when it comes near the window, so that long documents open at once.

function sentences() {
  const { colours, documents } = JSON.parse($("documents").textContent);
  const trees = $("trees");

  function fill(item) {
    const [words, heads, relations, found] = documents[item.dataset.document][item.dataset.sentence];
    const tree = heads.length && trees?.checked ? { heads, relations } : null;
    const entities = found.map(([start, end, label, probability]) => (
      { start, end, text: `${label} ${probability.toFixed(2)}`, kind: `found s${colours[label]}` }
    ));
    const spoken = found.map(([start, end, label]) => `${label} “${words.slice(start, end).join(" ")}”`);
    const description = `${words.join(" ")}. Entities: ${spoken.join("; ") || "none"}`;
    item.replaceChildren(drawing(words, tree, [{ name: "", entities }], [], description));
    item.dataset.drawn = "";
  }

  const items = [...document.querySelectorAll(".sentence")];
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      fill(target);
    }
  }, { rootMargin: "600px" });
  for (const item of items) watcher.observe(item);
  trees?.addEventListener("change", () => items.filter((item) => "drawn" in item.dataset).forEach(fill));
  addEventListener("beforeprint", () => items.filter((item) => !("drawn" in item.dataset)).forEach(fill));
}

theme();
sentences();
