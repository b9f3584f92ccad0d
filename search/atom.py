"""Writing an Atom feed (RFC 4287)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

_NAMESPACE = "http://www.w3.org/2005/Atom"
# What XML 1.0 cannot hold, not even escaped (section 2.2).
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Text:
    """A text and its language."""

    text: str
    language: str


@dataclass(frozen=True)
class Entry:
    """An entry. `href` is the address of its page, `categories` are (code, label); times are in UTC."""

    id: str
    title: Text
    summary: Text
    author: str
    href: str
    published: datetime
    updated: datetime
    categories: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Feed:
    """A feed in one language. `href` is the page that shows the same, `self_href` the feed itself."""

    id: str
    title: str
    language: str
    author: str
    href: str
    self_href: str
    updated: datetime
    entries: tuple[Entry, ...]


def write(feed: Feed) -> bytes:
    """The feed as XML in UTF-8."""
    root = ET.Element("feed", {"xmlns": _NAMESPACE, "xml:lang": feed.language})
    _put(root, "id", feed.id)
    _put(root, "title", feed.title)
    _put(root, "updated", _moment(feed.updated))
    _put(ET.SubElement(root, "author"), "name", feed.author)
    _link(root, "self", "application/atom+xml", feed.self_href)
    _link(root, "alternate", "text/html", feed.href)
    for entry in feed.entries:
        _entry(root, entry, feed.language)
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _entry(root: ET.Element, entry: Entry, language: str) -> None:
    element = ET.SubElement(root, "entry")
    _put(element, "id", entry.id)
    _put(element, "title", entry.title.text, entry.title.language, language)
    _put(element, "published", _moment(entry.published))
    _put(element, "updated", _moment(entry.updated))
    _put(ET.SubElement(element, "author"), "name", entry.author)
    _link(element, "alternate", "text/html", entry.href)
    for code, name in entry.categories:
        ET.SubElement(element, "category", {"term": code, "label": name})
    if entry.summary.text:
        _put(element, "summary", entry.summary.text, entry.summary.language, language)


def _put(parent: ET.Element, name: str, text: str, language: str = "", usual: str = "") -> None:
    element = ET.SubElement(parent, name, {"xml:lang": language} if language != usual else {})
    element.text = _IMPOSSIBLE.sub("", text)


def _link(parent: ET.Element, relation: str, media_type: str, href: str) -> None:
    ET.SubElement(parent, "link", {"rel": relation, "type": media_type, "href": href})


def _moment(value: datetime) -> str:
    """A date as RFC 3339 writes it, in UTC."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
