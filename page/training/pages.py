"""Pages with known main content: a folder with `html/ID.html` and `gt.json` ({ID: {"url", "type", "text",
"with": [snippets of the content], "without": [snippets outside the content]}}, optionally with "site", "language" and
"split"). An ID of the form SET--ID assigns the page to a set.

Pages whose `split` is `check`, or without it a third that is selected by the hash of their ids, are held out. They are not
used for training, for choosing parameters or for inspection, so they show whether an improvement generalises.
"""
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlparse

WORD = re.compile(r"\w+")
# Words for training: in scripts without spaces, each character.
TOKEN = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|(?:(?![\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])\w)+")


def is_held_out(page_id, about):
    if "split" in about:
        return about["split"] == "check"
    return int(hashlib.sha256(page_id.rpartition("--")[2].encode()).hexdigest(), 16) % 3 == 0


def set_of(page_id, about):
    return about.get("set") or page_id.rpartition("--")[0] or "pages"


def site_of(about):
    return about.get("site") or urlparse(about["url"]).netloc


def load_truth(folder):
    return json.loads((Path(folder) / "gt.json").read_text())


def words(text):
    return WORD.findall(text.lower())


def tokens(text):
    return TOKEN.findall(text.lower())


def precision_recall_f1(truth, found):
    """Precision, recall and F1 of two multisets of words."""
    if not truth or not found:
        return (1.0, 1.0, 1.0) if not truth and not found else (0.0, 0.0, 0.0)
    common = sum((truth & found).values())
    precision, recall = common / sum(found.values()), common / sum(truth.values())
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def f1(truth, found):
    return precision_recall_f1(Counter(truth), Counter(found))[2]
