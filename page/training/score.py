#!/usr/bin/env python3
"""Measures how well the fit Markdown of pages matches their main content: score.py PAGES OUT; OUT contains ID.md per page.

Precision, recall and F1 over multisets of lower-case words without link targets, averaged over pages. `with`: the share of
content snippets that were found; `unwanted`: the share of other snippets that were kept. Printed for all pages, for the
training pages and for the third that is held out (pages.py), by page type. `--worst N` lists the N training pages with the
lowest F1.
"""
import statistics
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from markdown_it import MarkdownIt

from pages import is_held_out, load_truth, precision_recall_f1, words

RENDER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render
INLINE_TAGS = {"a", "em", "strong", "code", "s"}


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.parts = []

    def handle_data(self, data):
        self.parts.append(data)

    def handle_starttag(self, tag, attrs):
        if tag not in INLINE_TAGS:
            self.parts.append(" ")


def text_of(markdown):
    text = Text()
    text.feed(RENDER(markdown))
    return "".join(text.parts)


def share(text, snippets):
    return sum(snippet.lower() in text for snippet in snippets) / len(snippets) if snippets else None


def row(out, page_id, truth):
    file = Path(out) / f"{page_id}.md"
    text = text_of(file.read_text(errors="replace")) if file.is_file() else ""
    scores = precision_recall_f1(Counter(words(truth["text"])), Counter(words(text)))
    return *scores, share(text.lower(), truth["with"]), share(text.lower(), truth["without"])


def table(title, rows, types):
    mean = lambda scores: statistics.mean([score for score in scores if score is not None] or [0])
    print(f"{title:24s} {'n':>4s} {'P':>6s} {'R':>6s} {'F1':>6s} {'with':>6s} {'unwanted':>8s}")
    for kind in [None, *sorted(set(types.values()))]:
        chosen = [rows[i] for i in rows if kind in (None, types[i])]
        if chosen:
            p, r, f, w, u = (mean(scores) for scores in zip(*chosen))
            print(f"  {kind or 'all types':22s} {len(chosen):4d} {p:6.3f} {r:6.3f} {f:6.3f} {w:6.3f} {u:8.3f}")


def main(folder, out, worst=0):
    truth = load_truth(folder)
    rows = {i: row(out, i, truth[i]) for i in truth}
    types = {i: truth[i]["type"] for i in truth}
    training = {i: scores for i, scores in rows.items() if not is_held_out(i)}
    table("all pages", rows, types)
    table("training pages", training, types)
    table("held-out pages", {i: rows[i] for i in rows if i not in training}, types)
    for i in sorted(training, key=lambda i: training[i][2])[:worst]:
        print("worst", i, "%.2f %.2f %.2f" % training[i][:3], types[i], truth[i]["url"])


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    main(*arguments[:2], int(arguments[arguments.index("--worst") + 1]) if "--worst" in arguments else 0)
