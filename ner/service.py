"""A recognizer behind HTTP: `POST /tag`, `GET /health`, `GET /metrics`, and a page to try it on at `GET /`.

A Starlette application, without a server: `ner.serve` runs it under uvicorn. Requests are recognised by one thread, one
after another, so that memory stays that of one request; those beyond the queue are refused at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ner.recognizer import Recognizer
from ner.web.markup import element
from ner.web.webpage import POLICY, resource, webpage

log = logging.getLogger(__name__)

MOST_READINGS = 20
EXAMPLE = "Olga Kornell visited Raldur on Monday."
MAY_ASK = f"{POLICY}; connect-src 'self'; base-uri 'none'; form-action 'none'"
SECURITY = {
    "Content-Security-Policy": f"{MAY_ASK}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request may ask for, and how many may wait.

    Args:
        characters: of all texts and words of a request.
        texts: in a request.
        queue: requests that wait or are being recognised; more are refused with status 503.
        seconds: after which a request is answered with status 504.
    """

    characters: int = 100_000
    texts: int = 256
    queue: int = 64
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("characters", "texts", "queue", "seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be above 0")


class BadRequest(ValueError):
    """What a client is told, with a status of its own."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Service:
    """The recognizer, its limits and its counters."""

    def __init__(self, recognizer: Recognizer, limits: Limits) -> None:
        self.recognizer = recognizer
        self.limits = limits
        self.waiting = 0
        self.seconds = 0.0
        self.counts: Counter[str] = Counter()
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="recognizer")
        self.content_of_page = page(recognizer.labels)

    async def tag(self, request: Request) -> Response:
        """Recognise the texts, or the words, of a request."""
        try:
            work = self._parse(await self._body(request))
            answer = JSONResponse(await self._in_turn(work))
        except BadRequest as error:
            answer = JSONResponse({"error": str(error)}, status_code=error.status)
        except ClientDisconnect:
            answer = JSONResponse({"error": "the client is gone"}, status_code=400)
        self.counts[f"{answer.status_code}"] += 1
        return answer

    async def health(self, request: Request) -> Response:
        """Whether it answers, and what it recognises."""
        recognizer = self.recognizer
        return JSONResponse(
            {
                "status": "ok",
                "labels": recognizer.labels,
                "formalism": recognizer.formalism,
                "uses_trees": recognizer.uses_trees,
            }
        )

    async def metrics(self, request: Request) -> Response:
        """Counters in the text format of Prometheus."""
        lines = [
            "# TYPE ner_requests_total counter",
            *(f'ner_requests_total{{status="{status}"}} {count}' for status, count in sorted(self.counts.items())),
            "# TYPE ner_recognising_seconds_total counter",
            f"ner_recognising_seconds_total {self.seconds:.6f}",
            "# TYPE ner_waiting gauge",
            f"ner_waiting {self.waiting}",
        ]
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    async def page(self, request: Request) -> Response:
        """The page where one types a sentence."""
        return HTMLResponse(self.content_of_page, headers=SECURITY)

    async def _body(self, request: Request) -> bytes:
        most = 8 * self.limits.characters + 65_536  # bytes: escapes of JSON take up to six a character
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise BadRequest(f"the request is larger than {most:,} bytes", 413)
            parts.append(part)
        return b"".join(parts)

    def _parse(self, body: bytes) -> _Work:
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            raise BadRequest('expected JSON such as {"text": "..."}') from None
        if not isinstance(content, dict):
            raise BadRequest('expected a JSON object such as {"text": "..."}')
        if unknown := content.keys() - {"text", "texts", "words", "heads", "relations", "k"}:
            raise BadRequest(f"unknown field {min(unknown)[:50]!r}: there are text, texts, words, heads, relations, k")
        given = [name for name in ("text", "texts", "words") if name in content]
        if len(given) != 1:
            raise BadRequest("give one of text, texts and words")
        k = content.get("k", 0)
        if type(k) is not int or not 0 <= k <= MOST_READINGS:
            raise BadRequest(f"k must be a whole number from 0 to {MOST_READINGS}")
        texts = content[given[0]] if given[0] != "text" else [content["text"]]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise BadRequest(f"{given[0]} must be {'a string' if given[0] == 'text' else 'a list of strings'}")
        if given[0] != "words" and len(texts) > self.limits.texts:
            raise BadRequest(f"{len(texts):,} texts: a request may have {self.limits.texts:,}", 413)
        if (size := sum(map(len, texts))) > self.limits.characters:
            raise BadRequest(f"{size:,} characters: a request may have {self.limits.characters:,}", 413)
        for name in ("heads", "relations"):
            if name in content and (given[0] != "words" or not isinstance(content[name], list)):
                raise BadRequest(f"{name} must be a list, beside words")
        relations = content.get("relations")
        if relations is not None and not all(isinstance(relation, str) for relation in relations):
            raise BadRequest("relations must be strings")
        return _Work(given[0], texts, content.get("heads"), relations, k)

    async def _in_turn(self, work: _Work) -> Any:
        if self.waiting >= self.limits.queue:
            raise BadRequest("too many requests are waiting: try again later", 503)
        self.waiting += 1
        job = self.worker.submit(self._recognise, work)
        task = asyncio.wrap_future(job)
        task.add_done_callback(self._left)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self.limits.seconds)
        except TimeoutError:
            job.cancel()  # if it has not begun; else it goes on, and so does the task, which counts it
            raise BadRequest(f"not done within {self.limits.seconds:g} seconds", 504) from None
        except ValueError as error:
            raise BadRequest(str(error)) from None

    def _left(self, task: asyncio.Future[Any]) -> None:
        self.waiting -= 1
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits for it any more

    def _recognise(self, work: _Work) -> Any:
        begin = time.perf_counter()
        try:
            if work.kind == "words":
                return self.recognizer.tag(work.texts, heads=work.heads, relations=work.relations, k=work.k).to_dict()
            found = [document.to_dict() for document in self.recognizer.read_all(work.texts, k=work.k)]
            return found[0] if work.kind == "text" else {"documents": found}
        finally:
            self.seconds += time.perf_counter() - begin


def page(labels: Sequence[str]) -> str:
    """The page where one types a text and sees its entities, their probabilities, and the trees."""
    form = element(
        "form",
        {"id": "form", "data-labels": " ".join(labels)},
        element("label", {"for": "input"}, "A sentence, or a text of some"),
        element("textarea", {"id": "input", "autofocus": ""}, EXAMPLE),
        element("button", {}, "Find entities"),
    )
    return webpage(
        title="Named entities",
        lead="Type a text: its entities are marked with their probabilities, and its sentences drawn with their trees.",
        content=[
            form,
            element("p", {"id": "status", "role": "status"}),
            element("div", {"id": "text", "class": "text"}),
            element("ol", {"id": "sentences", "class": "sentences"}),
        ],
        styles=[resource("document.css", "ner.formats"), resource("service.css", "ner")],
        scripts=[resource("service.js", "ner")],
        footer="python -m ner.serve: POST /tag answers in JSON, GET /health and /metrics say how it is.",
        policy=MAY_ASK,
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """A request that was understood."""

    kind: str
    texts: list[str]
    heads: list[int] | None
    relations: list[str] | None
    k: int


def application(recognizer: Recognizer, limits: Limits | None = None) -> Starlette:
    """The application over a recognizer."""
    service = Service(recognizer, limits or Limits())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        service.worker.shutdown(cancel_futures=True)
        recognizer.close()

    async def failed(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        service.counts["500"] += 1
        return JSONResponse({"error": "the server failed; its log says why"}, status_code=500)

    return Starlette(
        routes=[
            Route("/", service.page),
            Route("/tag", service.tag, methods=["POST"]),
            Route("/health", service.health),
            Route("/metrics", service.metrics),
        ],
        exception_handlers={Exception: failed},
        lifespan=lifespan,
    )
