"""Pages whose main content is known: a folder with `html/ID.html` and `gt.json` ({ID: {"url", "type", "text",
"with": [snippets of the content], "without": [snippets of what is around it]}}).

A third of the pages is set aside, by the hash of their names alone: nothing is trained, chosen or tuned on it, and nobody
reads it. It is there to see whether what was gained elsewhere holds.
"""
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

WORD = re.compile(r"\w+")


def is_set_aside(page_id):
    return int(hashlib.sha256(page_id.encode()).hexdigest(), 16) % 3 == 0


def truths(folder):
    return json.loads((Path(folder) / "gt.json").read_text())


def words(text):
    return WORD.findall(text.lower())


def prf(truth, got):
    """Precision, recall and F1 of two multisets of words."""
    if not truth or not got:
        return (1.0, 1.0, 1.0) if not truth and not got else (0.0, 0.0, 0.0)
    hit = sum((truth & got).values())
    precision, recall = hit / sum(got.values()), hit / sum(truth.values())
    return precision, recall, 2 * precision * recall / (precision + recall) if hit else 0.0


def f1(truth, got):
    return prf(Counter(truth), Counter(got))[2]
