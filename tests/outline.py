"""Pages as their elements."""

from html.parser import HTMLParser

VOID = {"meta", "input", "br", "hr", "col"}


class Outline(HTMLParser):
    """The elements of a document, each with its attributes, text and ancestors."""

    def __init__(self, document):
        super().__init__(convert_charrefs=True)
        self.found, self.open = [], []
        self.feed(document)
        self.close()
        assert not self.open, f"{self.open[-1]} is not closed"

    def handle_starttag(self, tag, attrs):
        entry = {"tag": tag, "text": "", "within": [one["tag"] for one in self.open], **dict(attrs)}
        self.found.append(entry)
        if tag not in VOID:
            self.open.append(entry)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for entry in self.open:
            entry["text"] += data

    def all(self, tag):
        return [entry for entry in self.found if entry["tag"] == tag]
