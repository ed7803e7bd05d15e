"""Checks that a page is well formed: every tag is closed in order, and no attribute is repeated."""

from html.parser import HTMLParser

_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


def fault_of(page: str) -> str | None:
    """The first fault of a page, or None."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if not page.startswith("<!DOCTYPE html>") or not page.rstrip().endswith("</html>"):
        return "the page has no beginning or no end"
    return reader.fault or (f"<{reader.open[-1]}> is never closed" if reader.open else None)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fault: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self.fault = self.fault or f"<{tag}> has an attribute twice"
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<path/>` opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.fault = self.fault or f"</{tag}> closes something else"
