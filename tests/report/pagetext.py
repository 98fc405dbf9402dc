"""A page of ours as a test reads it: its tags, links, tables and figures. What a page may never have is complained about."""

import html.parser
import re

VOID = {"meta", "input", "rect", "line", "circle"}
TAGS = VOID | {"html", "head", "title", "style", "body", "a", "b", "bdi", "header", "div", "span", "nav", "ul", "li", "main",
               "form", "label", "select", "option", "button", "h1", "h2", "small", "p", "section", "svg", "g", "text",
               "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "footer", "strong", "code", "dl",
               "dt", "dd", "pre"}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.problems, self.links, self.tables, self.figures, self.open = [], [], [], {}, []
        self.text = ""
        self.value, self.into = "", None
        self.feed(text)
        self.close()
        if self.open:
            self.problems.append(f"left open: {self.open}")
        if not text.startswith("<!doctype html>\n<html lang=en>"):
            self.problems.append("begins otherwise")

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.problems.append(f"a tag <{tag}>")
        names = [name for name, _ in attrs]
        if any(name.startswith("on") or name in ("style", "src", "srcset", "action" if tag != "form" else "") for name in names):
            self.problems.append(f"attributes {names} of <{tag}>")
        attrs = dict(attrs)
        if "href" in attrs:
            self.links.append(attrs["href"])
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("th", "td", "h2") or tag == "p" and attrs.get("class") == "v":
            self.value, self.into = "", tag
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> out of place")
        if tag in ("th", "td") and self.into == tag:
            self.tables[-1][-1].append(self.value.strip())
        if tag == "h2" and self.into == "h2":
            self.name = self.value.strip()
        if tag == "p" and self.into == "p":
            self.figures[self.name] = self.value.strip()
        if tag == self.into:
            self.into = None

    def handle_data(self, data):
        self.text += data
        if self.into:
            self.value += data

    def rows(self, caption_column):
        """The rows of the table whose first column has this title, as dictionaries by the titles."""
        for table in self.tables:
            if table and table[0] and table[0][0] == caption_column:
                return [dict(zip(table[0], line)) for line in table[1:]]
        return []


def number(text):
    return int(re.match(r"[\d,]*", text).group().replace(",", "") or 0)
