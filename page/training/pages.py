"""Pages with known main content: a folder with `html/ID.html` and `gt.json` ({ID: {"url", "type", "text",
"with": [snippets of the content], "without": [snippets outside the content]}}).

A third of the pages is held out, selected by the hash of their ids. They are not used for training, for choosing parameters
or for inspection, so they show whether an improvement generalises.
"""
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

WORD = re.compile(r"\w+")


def is_held_out(page_id):
    return int(hashlib.sha256(page_id.encode()).hexdigest(), 16) % 3 == 0


def load_truth(folder):
    return json.loads((Path(folder) / "gt.json").read_text())


def words(text):
    return WORD.findall(text.lower())


def precision_recall_f1(truth, found):
    """Precision, recall and F1 of two multisets of words."""
    if not truth or not found:
        return (1.0, 1.0, 1.0) if not truth and not found else (0.0, 0.0, 0.0)
    common = sum((truth & found).values())
    precision, recall = common / sum(found.values()), common / sum(truth.values())
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def f1(truth, found):
    return precision_recall_f1(Counter(truth), Counter(found))[2]
