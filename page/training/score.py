#!/usr/bin/env python3
"""How well the fit Markdown of pages holds their main content: score.py PAGES OUT; OUT holds ID.md, one a page.

Multisets of lower-cased words, link targets dropped; precision, recall and F1 of each page, averaged over pages.
`with`: share of the snippets of the content that were found; `unwanted`: share of those around it that were kept.
Printed for all pages, for those that may be tuned on and for the third that is set aside (pages.py), by type of page.
`--worst N` names the worst of the pages that may be tuned on.
"""
import statistics
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from markdown_it import MarkdownIt

from pages import is_set_aside, prf, truths, words

RENDER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render
WITHIN_A_WORD = {"a", "em", "strong", "code", "s"}


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.said = []

    def handle_data(self, data):
        self.said.append(data)

    def handle_starttag(self, tag, attrs):
        if tag not in WITHIN_A_WORD:
            self.said.append(" ")


def text_of(markdown):
    text = Text()
    text.feed(RENDER(markdown))
    return "".join(text.said)


def share(text, snippets):
    return sum(snippet.lower() in text for snippet in snippets) / len(snippets) if snippets else None


def row(out, page_id, truth):
    file = Path(out) / f"{page_id}.md"
    text = text_of(file.read_text(errors="replace")) if file.is_file() else ""
    figures = prf(Counter(words(truth["text"])), Counter(words(text)))
    return *figures, share(text.lower(), truth["with"]), share(text.lower(), truth["without"])


def table(title, rows, types):
    mean = lambda figures: statistics.mean([figure for figure in figures if figure is not None] or [0])
    print(f"{title:24s} {'n':>4s} {'P':>6s} {'R':>6s} {'F1':>6s} {'with':>6s} {'unwanted':>8s}")
    for kind in [None, *sorted(set(types.values()))]:
        chosen = [rows[i] for i in rows if kind in (None, types[i])]
        if chosen:
            p, r, f, w, u = (mean(figures) for figures in zip(*chosen))
            print(f"  {kind or 'all types':22s} {len(chosen):4d} {p:6.3f} {r:6.3f} {f:6.3f} {w:6.3f} {u:8.3f}")


def main(folder, out, worst=0):
    truth = truths(folder)
    rows = {i: row(out, i, truth[i]) for i in truth}
    types = {i: truth[i]["type"] for i in truth}
    tuned = {i: figures for i, figures in rows.items() if not is_set_aside(i)}
    table("all pages", rows, types)
    table("pages to tune on", tuned, types)
    table("pages set aside", {i: rows[i] for i in rows if i not in tuned}, types)
    for i in sorted(tuned, key=lambda i: tuned[i][2])[:worst]:
        print("worst", i, "%.2f %.2f %.2f" % tuned[i][:3], types[i], truth[i]["url"])


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    main(*arguments[:2], int(arguments[arguments.index("--worst") + 1]) if "--worst" in arguments else 0)
