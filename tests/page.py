"""A parsed page: its texts, links and fields, and the checks that apply to every page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img", "path", "rect", "use"}


@dataclass
class Node:
    """An element with its attributes, its children (elements and texts) and its parent."""

    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in the element, with white space collapsed."""
        return re.sub(r"\s+", " ", self.raw_text).strip()

    @property
    def raw_text(self) -> str:
        """All text in the element, with its white space."""
        return "".join(child if isinstance(child, str) else child.raw_text for child in self.children)

    def walk(self) -> Iterator[Node]:
        """The element and all elements in it, in document order."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, tag: str, **attributes: str) -> list[Node]:
        """All elements with a tag whose attributes have these values."""
        return [
            node
            for node in self.walk()
            if node.tag == tag and all(node.attributes.get(name) == value for name, value in attributes.items())
        ]

    def one(self, tag: str, **attributes: str) -> Node:
        """The only element with a tag and these attributes."""
        (node,) = self.all(tag, **attributes)
        return node


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        assert len(node.attributes) == len(attrs), f"duplicate attribute of <{tag}>: {attrs}"
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open[-1].tag == tag, f"<{self.open[-1].tag}> is closed by </{tag}>"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


class Page:
    """A parsed page."""

    def __init__(self, html: str) -> None:
        builder = _Builder()
        builder.feed(html)
        builder.close()
        assert builder.open == [builder.root], f"unclosed: {[node.tag for node in builder.open[1:]]}"
        self.root = builder.root
        self.html = html

    @property
    def text(self) -> str:
        """The text of the main element."""
        return self.root.one("main").text

    @property
    def sentence(self) -> str:
        """The sentence that describes the rows of a list."""
        return self.root.one("p", role="status").text

    def rows(self) -> list[list[str]]:
        """The texts of the cells of each row of the only table."""
        body = self.root.one("tbody")
        return [[cell.text for cell in row.children if isinstance(cell, Node)] for row in body.all("tr")]

    def column(self, heading: str) -> list[str]:
        """The texts of one column of the only table."""
        headings = [head.text.rstrip(" ↓↑") for head in self.root.one("thead").all("th")]
        return [row[headings.index(heading)] for row in self.rows()]

    def link(self, text: str) -> str:
        """The address of the only link with this text."""
        (address,) = {node.attributes["href"] for node in self.root.all("a") if node.text == text}
        return address

    @staticmethod
    def hidden_fields(form: Node) -> dict[str, str]:
        """The names and values of the hidden fields of a form."""
        fields = form.all("input", type="hidden")
        return {node.attributes["name"]: node.attributes["value"] for node in fields}

    @property
    def flashes(self) -> list[str]:
        """The messages at the top of the page."""
        return [node.text for node in self.root.all("div", **{"class": "flash"})]

    def check(self) -> None:
        """Check structure, ids, labels, references, and that there are no inline styles and scripts."""
        root = self.root
        assert root.one("html").attributes["lang"]
        assert root.one("title").text.endswith(" · voiceadmin")
        assert root.one("h1").text
        ids = [node.attributes["id"] for node in root.walk() if "id" in node.attributes]
        assert len(ids) == len(set(ids)), f"duplicate id: {sorted(ids)}"
        labelled = {node.attributes.get("for") for node in root.all("label")}
        inside_labels = {id(inner) for label in root.all("label") for inner in label.walk()}
        for node in root.walk():
            assert "style" not in node.attributes, f"inline style on {node.tag}"
            assert not [name for name in node.attributes if name.startswith("on")], f"inline handler on {node.tag}"
            assert not node.attributes.get("href", "").lower().startswith("javascript:")
            if node.tag in ("style", "script"):
                assert not node.raw_text.strip(), f"inline {node.tag}"
            if node.tag in ("input", "select", "textarea") and node.attributes.get("type") != "hidden":
                has_label = node.attributes.get("id") in labelled - {None} or id(node) in inside_labels
                assert has_label or node.attributes.get("aria-label"), node.attributes
            for name in ("aria-describedby", "aria-labelledby", "aria-controls", "popovertarget", "data-copy"):
                for target in node.attributes.get(name, "").split():
                    assert target in ids, f"{name} refers to the missing id {target}"
            if node.attributes.get("href", "").startswith("#"):
                assert node.attributes["href"][1:] in ids, node.attributes["href"]


OpenPage = Callable[..., Page]
