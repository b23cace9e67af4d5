"""Log-odds weights of element names and of words in short text blocks: the logarithm of the odds that a text block with the
name or word is content, minus the logarithm of the odds for all text blocks. `page/src/content/name_weights.rs` reads the
exported file and applies the weights in the same way."""
import math
import re
import struct
from collections import Counter, defaultdict

import numpy

BLOCK_WORD = re.compile(r"[^\W_]+")
MAX_WEIGHTED_WORDS = 12
# The number of additional pages, at the odds of all text blocks, that each name or word is assumed to occur on.
PRIOR = 3
# Names and words on fewer sites get no weight.
MIN_SITES = dict(near=4, far=4, words=5)


def fnv(word):
    value = 0x811C9DC5
    for letter in word:
        code = ord(letter) | 0x20 if "A" <= letter <= "Z" else ord(letter)
        value = ((value ^ code) * 0x01000193) & 0xFFFFFFFF
    return value


def keys(page):
    """For each text block: the names near it, the names of containers farther out, and its words, each as a set of hashes."""
    if "keys" not in page:
        containers, block_words = page["containers"], []
        near, far = [], []
        for parent, names in containers:
            above = [containers[parent]] if parent >= 0 else []
            while above and above[-1][0] >= 0:
                above.append(containers[above[-1][0]])
            near.append(set(names).union(*(names for _, names in above[:2])))
            far.append(set().union(*(names for _, names in above[2:])))
        for text in page["texts"]:
            words = BLOCK_WORD.findall(text)
            block_words.append({fnv(word) for word in words} if len(words) <= MAX_WEIGHTED_WORDS else set())
        of = page["block_containers"]
        page["keys"] = dict(near=[near[at] for at in of], far=[far[at] for at in of], words=block_words)
    return page["keys"]


class NameWeights:
    @classmethod
    def of(cls, pages):
        self, base = cls(), numpy.mean([page["share"].mean() for page in pages])
        self.tables = {}
        for kind in MIN_SITES:
            content, seen, sites = Counter(), Counter(), defaultdict(set)
            for page in pages:
                hits, times = Counter(), Counter()
                for names, share in zip(keys(page)[kind], page["share"]):
                    for name in names:
                        hits[name] += share
                        times[name] += 1
                for name, count in times.items():
                    content[name] += hits[name] / count
                    seen[name] += 1
                    sites[name].add(page["host"])
            odds = lambda yes, no: math.log((yes + PRIOR * base) / (no + PRIOR * (1 - base)))
            self.tables[kind] = {
                name: odds(content[name], seen[name] - content[name]) - math.log(base / (1 - base))
                for name in seen if len(sites[name]) >= MIN_SITES[kind]
            }
        return self

    def apply(self, page):
        """The rows of a page with these weights in the columns for weights."""
        rows = page["rows"].copy()
        for kind, title in (("near", "near names"), ("far", "far names"), ("words", "words weight")):
            table = self.tables[kind]
            weights = [[table[name] for name in names if name in table] for names in keys(page)[kind]]
            zero = [0] if kind == "far" else []
            for column, summary in (
                (title, sum),
                (f"{title} min", lambda weights: min(weights + zero, default=0)),
                (f"{title} max", lambda weights: max(weights + zero, default=0)),
            ):
                if column in page["columns"]:
                    rows[:, page["columns"].index(column)] = [summary(each) for each in weights]
        return rows

    def export(self, path):
        near, far, words = (self.tables[kind] for kind in ("near", "far", "words"))
        names = sorted({*near, *far})
        out = [struct.pack("<I", len(names))]
        out += [struct.pack("<Iff", name, near.get(name, 0), far.get(name, 0)) for name in names]
        out += [struct.pack("<I", len(words)), *(struct.pack("<If", word, words[word]) for word in sorted(words))]
        open(path, "wb").write(b"".join(out))
