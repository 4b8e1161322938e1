"""A parsed HTML page, for tests that ask what it says and what it is made of."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "input"}
SHAPES = {"line", "path", "circle", "rect", "polyline"}  # in SVG they may close themselves


class Page(HTMLParser):
    """A parsed page: its elements with attributes and text, in order, and the body's texts.

    Refuses unbalanced tags.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.texts: list[str] = []
        self._open: list[int] = []
        self.feed(source)
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        if "body" in [self.elements[index][0] for index in self._open]:
            self.texts.append(data)
        for index in self._open[-1:]:
            self.elements[index][2].append(data)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """The elements and the names of their attributes, without what is said in them."""
        return [(tag, tuple(attributes)) for tag, attributes, _ in self.elements]

    def said(self, tag: str) -> list[str]:
        return ["".join(texts).strip() for name, _, texts in self.elements if name == tag]
