#!/usr/bin/env python3
"""Measures how well the fit Markdown of pages matches their main content: score.py PAGES OUT [OTHERS] [--worst N].

OUT contains ID.md per page, OTHERS the texts of other libraries (extract_others.py). Precision, recall and F1 over multisets
of lower-case words without link targets, averaged over the held-out pages (pages.py); `unwanted`: the share of snippets
outside the content that were kept. Printed by set, by page type and by language. The title heading is measured apart: its
share is over the pages with exactly one `h1`. `--worst N` lists the N training pages with the lowest F1.
"""
import statistics
import sys
from collections import Counter, defaultdict
from html.parser import HTMLParser
from pathlib import Path

from markdown_it import MarkdownIt

from pages import is_held_out, load_truth, precision_recall_f1, set_of, words

MIN_PAGES_OF_LANGUAGE = 5
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


class TopHeadings(HTMLParser):
    """The texts of a page's `h1` elements."""

    def __init__(self):
        super().__init__()
        self.texts, self.is_open = [], False

    def handle_starttag(self, tag, attrs):
        if tag == "h1":
            self.texts.append("")
            self.is_open = True

    def handle_endtag(self, tag):
        self.is_open = self.is_open and tag != "h1"

    def handle_data(self, data):
        if self.is_open:
            self.texts[-1] += data


def keeps_title(folder, out, page_id):
    """Whether the fit Markdown contains the page's `h1`; `None` if the page has none or several."""
    parser = TopHeadings()
    parser.feed((Path(folder) / "html" / f"{page_id}.html").read_text(errors="replace"))
    titles = [words(text) for text in parser.texts if words(text)]
    if len(titles) != 1 or len(titles[0]) > 40:
        return None
    markdown = (Path(out) / f"{page_id}.md").read_text()
    return any(titles[0] == words(text_of(line)) for line in markdown.splitlines() if line.startswith("#"))


def mean(values):
    return statistics.mean([value for value in values if value is not None] or [0])


def print_table(title, groups):
    """`groups` maps names to lists of pages; a page maps extractors to scores."""
    extractors = list(next(iter(groups.values()))[0])
    print(f"\n{title:28s}    n" + "".join(f" | {name:>14s}  P     R     F1  unw." for name in extractors))
    for name, pages in groups.items():
        line = f"{name:28s} {len(pages):4d}"
        for extractor in extractors:
            p, r, f, _, u = (mean(values) for values in zip(*(page[extractor] for page in pages)))
            line += f" | {'':10s} {p:.3f} {r:.3f} {f:.3f} {u:.3f}"
        print(line)


def score_text(text, truth):
    scores = precision_recall_f1(Counter(words(truth["text"])), Counter(words(text)))
    return *scores, share(text.lower(), truth["with"]), share(text.lower(), truth["without"])


def main(folder, out, others=None, worst=0):
    truth = load_truth(folder)
    held_out = {i: truth[i] for i in truth if is_held_out(i, truth[i])}
    libraries = sorted(path.name for path in Path(others).iterdir()) if others else []
    sets, types, languages = defaultdict(list), defaultdict(list), defaultdict(list)
    for page_id, about in held_out.items():
        scores = {"Opilio": row(out, page_id, about)}
        for library in libraries:
            scores[library] = score_text((Path(others) / library / f"{page_id}.txt").read_text(), about)
        name = set_of(page_id, about)
        sets[name].append(scores)
        if name.startswith(("wcxb", "pages")):
            types[about["type"]].append(scores)
        languages[about.get("language", "en")].append(scores)
    print_table("set", dict(sorted(sets.items())))
    if types:
        print_table("type (wcxb)", {"all": sum(types.values(), []), **dict(sorted(types.items()))})
    large = {name: pages for name, pages in sorted(languages.items()) if len(pages) >= MIN_PAGES_OF_LANGUAGE}
    if large:
        print_table("language", large)
    titles = [kept for kept in (keeps_title(folder, out, page_id) for page_id in held_out) if kept is not None]
    print(f"\ntitle heading kept on {sum(titles)} of {len(titles)} pages with one h1")
    if worst:
        training = {i: row(out, i, truth[i]) for i in truth if i not in held_out}
        for i in sorted(training, key=lambda i: training[i][2])[:worst]:
            print("worst", i, "%.2f %.2f %.2f" % training[i][:3], truth[i]["type"], truth[i]["url"])


if __name__ == "__main__":
    arguments = sys.argv[1:]
    count = 0
    if "--worst" in arguments:
        at = arguments.index("--worst")
        count = int(arguments[at + 1])
        del arguments[at:at + 2]
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    main(*arguments, worst=count)
