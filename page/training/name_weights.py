"""Log-odds weights of element names and of words in short text blocks: the logarithm of the odds that a text block with the
name or word is content, minus the logarithm of the odds for all text blocks. `page/src/content/name_weights.rs` reads the
exported file and applies the weights in the same way."""
import math
import re
import struct

import numpy

BLOCK_WORD = re.compile(r"[^\W_]+")
MAX_WEIGHTED_WORDS = 12
# The number of additional pages, at the odds of all text blocks, that each name or word is assumed to occur on.
PRIOR = 3
# Names and words on fewer sites get no weight.
MIN_SITES = dict(near=5, far=5, words=6)
COLUMNS = dict(near="near names", far="far names", words="words weight")


def fnv(word):
    value = 0x811C9DC5
    for letter in word:
        value = ((value ^ ord(letter.lower()[0])) * 0x01000193) & 0xFFFFFFFF
    return value


HASHES = {}


def hash_of(word):
    if word not in HASHES:
        HASHES[word] = fnv(word)
    return HASHES[word]


def keys(line):
    """For each text block of a page: the names near it, the names of containers farther out, and its words, as sets."""
    containers, near, far, own = line["containers"], [], [], []
    for parent, names in containers:
        first = parent
        second = containers[first][0] if first >= 0 else -1
        third = containers[second][0] if second >= 0 else -1
        own.append(frozenset(names))
        near.append(own[-1].union(*(own[at] for at in (first, second) if at >= 0)))
        outer = far[first] if first >= 0 else frozenset()
        far.append(outer | own[third] if third >= 0 and not own[third] <= outer else outer)
    words = []
    for text in line["texts"]:
        found = BLOCK_WORD.findall(text[:2000])
        words.append({hash_of(word) for word in found} if len(found) <= MAX_WEIGHTED_WORDS else set())
    of = line["block_containers"]
    return dict(near=[near[at] for at in of], far=[far[at] for at in of], words=words)


def flatten(sets):
    """Sets as one array of members and the length of each set."""
    lengths = numpy.array([len(each) for each in sets], numpy.int32)
    return numpy.fromiter((item for each in sets for item in each), numpy.uint32, int(lengths.sum())), lengths


class NameWeights:
    @classmethod
    def of(cls, pages):
        self, base = cls(), numpy.mean([page["share"].mean() for page in pages])
        self.tables = {}
        for kind in MIN_SITES:
            names, shares, sites = [], [], []
            for page in pages:
                page_names, page_shares = page_means(page, kind)
                names.append(page_names)
                shares.append(page_shares)
                sites.append(numpy.full(len(page_names), page["site_id"]))
            names, inverse = numpy.unique(numpy.concatenate(names), return_inverse=True)
            sites, shares = numpy.concatenate(sites), numpy.concatenate(shares)
            pairs = numpy.unique(inverse.astype(numpy.int64) * 1_000_000 + sites)
            on_sites = numpy.bincount(pairs // 1_000_000, minlength=len(names))
            content, seen = numpy.bincount(inverse, weights=shares), numpy.bincount(inverse)
            odds = numpy.log((content + PRIOR * base) / (seen - content + PRIOR * (1 - base))) - math.log(base / (1 - base))
            kept = on_sites >= MIN_SITES[kind]
            self.tables[kind] = names[kept], odds[kept].astype(numpy.float32)
        return self

    def apply(self, page):
        """The rows of a page with these weights in the columns for weights."""
        rows = numpy.array(page["rows"])
        for kind, title in COLUMNS.items():
            flat, lengths = page["keys"][kind]
            names, odds = self.tables[kind]
            at = numpy.minimum(numpy.searchsorted(names, flat), len(names) - 1)
            known = names[at] == flat
            owners = numpy.repeat(numpy.arange(len(lengths)), lengths)[known]
            values = odds[at[known]]
            low, high = numpy.full(len(lengths), numpy.inf), numpy.full(len(lengths), -numpy.inf)
            numpy.minimum.at(low, owners, values)
            numpy.maximum.at(high, owners, values)
            if kind == "far":
                low, high = numpy.minimum(low, 0), numpy.maximum(high, 0)
            low, high = numpy.where(numpy.isfinite(low), low, 0), numpy.where(numpy.isfinite(high), high, 0)
            total = numpy.bincount(owners, weights=values, minlength=len(lengths))
            for column, summary in ((title, total), (f"{title} min", low), (f"{title} max", high)):
                if column in page["columns"]:
                    rows[:, page["columns"].index(column)] = summary
            if kind == "words":
                # The weight of the heading before each block is that of the heading's words.
                rows[:, page["columns"].index("heading weight")] = heading_weights(page, total)
        return rows

    def export(self, path):
        near, far, words = (dict(zip(*(part.tolist() for part in self.tables[kind]))) for kind in ("near", "far", "words"))
        names = sorted({*near, *far})
        out = [struct.pack("<I", len(names))]
        out += [struct.pack("<Iff", name, near.get(name, 0), far.get(name, 0)) for name in names]
        out += [struct.pack("<I", len(words)), *(struct.pack("<If", word, words[word]) for word in sorted(words))]
        open(path, "wb").write(b"".join(out))


def page_means(page, kind):
    """The names on a page and, for each, the mean share of content of the text blocks with it."""
    cached = page["means"].get(kind)
    if cached is None:
        flat, lengths = page["keys"][kind]
        names, inverse = numpy.unique(flat, return_inverse=True)
        shares = numpy.bincount(inverse, weights=numpy.repeat(page["share"], lengths), minlength=len(names))
        cached = page["means"][kind] = names, shares / numpy.bincount(inverse, minlength=len(names))
    return cached


def heading_weights(page, weights):
    """For each text block, the weight of the words of the last heading before it."""
    level = page["rows"][:, page["columns"].index("level")]
    headings = numpy.where(level > 0, numpy.arange(len(level)), -1)
    before = numpy.concatenate(([-1], numpy.maximum.accumulate(headings)[:-1]))
    return numpy.where(before >= 0, weights[before], 0)
