"""Pages in a real browser: Chromium without a window opens them and does what a reader would do."""

from __future__ import annotations

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PROBE = """
<script>
const errors = [];
addEventListener("error", (event) => errors.push(event.message));
addEventListener("securitypolicyviolation", (event) => errors.push(event.blockedURI));
console.error = (...texts) => errors.push(texts.join(" "));
addEventListener("load", () => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const texts = (selector, within) => all(selector, within).map((element) => element.textContent);
  const status = () => document.querySelector(".pager output").textContent;
  const set = (name, value) => {
    const element = document.getElementById("filters").elements[name];
    if (element.type === "checkbox") element.checked = value; else element.value = value;
    element.dispatchEvent(new Event("input", { bubbles: true }));
    return status();
  };
  const answer = () => {
    document.documentElement.dataset.result = JSON.stringify({ ...(() => { PROBES })(), errors });
  };
  setTimeout(answer, DELAY);
});
</script>
"""


def find() -> str | None:
    """The path of the browser, where there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Root(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html":
            self.attributes = dict(attrs)


def ask(
    directory: Path, document: str, probes: str, *, state: str = "", delay: int = 0, options: tuple[str, ...] = ()
) -> Any:
    """Open a page, run the body of a function in it `delay` milliseconds after it is loaded, and give what it returns.

    The result has the `errors` of the page as well.
    """
    path = directory / "page.html"
    probe = PROBE.replace("PROBES", probes).replace("DELAY", str(delay))
    path.write_text(document.replace("<head>", "<head>" + probe, 1), encoding="utf-8", errors="backslashreplace")
    shown = subprocess.run(
        [
            *(find() or "chromium", *OPTIONS, *options, f"--user-data-dir={directory / 'profile'}"),
            *("--virtual-time-budget=5000", "--dump-dom", path.as_uri() + state),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    root = Root()
    root.feed(shown.stdout)
    return json.loads(root.attributes["data-result"])
