"""What the names of elements, and the words of short passages, are worth: the logarithm of the odds that what they stand at
is content, less the odds of any passage. `page/src/fit/names.rs` reads what is written here and does the same with it."""
import math
import re
import struct
from collections import Counter, defaultdict

import numpy

SPOKEN = re.compile(r"[^\W_]+")
FEW = 12
# Pages that all names and words are taken to have been seen on, at the odds of any passage.
PRIOR = 3
# Names and words that fewer sites use are left alone.
SITES = dict(near=4, far=4, said=5)


def fnv(word):
    value = 0x811C9DC5
    for letter in word:
        code = ord(letter) | 0x20 if "A" <= letter <= "Z" else ord(letter)
        value = ((value ^ code) * 0x01000193) & 0xFFFFFFFF
    return value


def keys(page):
    """For each passage: the names near it, those farther out, and its words, each as a set of hashes."""
    if "keys" not in page:
        frames, said = page["frames"], []
        near, far = [], []
        for parent, names in frames:
            above = [frames[parent]] if parent >= 0 else []
            while above and above[-1][0] >= 0:
                above.append(frames[above[-1][0]])
            near.append(set(names).union(*(names for _, names in above[:2])))
            far.append(set().union(*(names for _, names in above[2:])))
        for text in page["texts"]:
            words = SPOKEN.findall(text)
            said.append({fnv(word) for word in words} if len(words) <= FEW else set())
        within = page["within"]
        page["keys"] = dict(near=[near[at] for at in within], far=[far[at] for at in within], said=said)
    return page["keys"]


class Worth:
    @classmethod
    def of(cls, pages):
        self, base = cls(), numpy.mean([page["share"].mean() for page in pages])
        self.tables = {}
        for kind in SITES:
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
                for name in seen if len(sites[name]) >= SITES[kind]
            }
        return self

    def told(self, page):
        """The page's rows with what names are worth in their columns."""
        rows = page["rows"].copy()
        for kind, title in (("near", "names near"), ("far", "names far"), ("said", "said")):
            table = self.tables[kind]
            worths = [[table[name] for name in names if name in table] for names in keys(page)[kind]]
            beside = [0] if kind == "far" else []
            for column, figure in (
                (title, sum),
                (f"{title} least", lambda worths: min(worths + beside, default=0)),
                (f"{title} most", lambda worths: max(worths + beside, default=0)),
            ):
                if column in page["columns"]:
                    rows[:, page["columns"].index(column)] = [figure(each) for each in worths]
        return rows

    def export(self, path):
        near, far, said = (self.tables[kind] for kind in ("near", "far", "said"))
        names = sorted({*near, *far})
        out = [struct.pack("<I", len(names))]
        out += [struct.pack("<Iff", name, near.get(name, 0), far.get(name, 0)) for name in names]
        out += [struct.pack("<I", len(said)), *(struct.pack("<If", word, said[word]) for word in sorted(said))]
        open(path, "wb").write(b"".join(out))
