"""Documents as files: JSON lines, brat stand-off, and a web page. What each takes is a `ner.document.Document`."""
