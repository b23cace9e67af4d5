#!/usr/bin/env python3
"""Trains the model of the page's main content (`model.bin` and `names.bin` in `page/src/fit`), or says how good one would be.

  cargo run --release -p opilio-page --example passages -- PAGES > passages.jsonl
  train.py PAGES passages.jsonl                  five-fold cross-validation, pages of one host in one fold
  train.py PAGES passages.jsonl page/src/fit     trains on all pages that may be tuned on, and writes the model there
  train.py PAGES passages.jsonl --all            cross-validation with the third that is set aside among them

The third that is set aside (pages.py) is left out of the first two. Figures are means over several ways to deal the pages
into folds: by one alone they lie up to 0.01 off.
"""
import json
import struct
import sys
from collections import defaultdict
from urllib.parse import urlparse

import lightgbm
import numpy
from rapidfuzz.distance import LCSseq

from names import Worth
from pages import f1, is_set_aside, truths, words

FOLDS, TREES, DEALS = 5, 115, 5
# Of shorter passages, and of those in such elements (by the numbers that `features.rs` gives them), each counts.
LEAST_REPEATED, CELLS_AND_CODE = 5, (8, 9, 18)
# The model is surer than it should be: what it says, as the logarithm of odds, is taken for so much of it.
TEMPER = 0.7
PARAMETERS = dict(
    objective="cross_entropy", learning_rate=0.1, num_leaves=20, min_data_in_leaf=40, feature_fraction=0.3,
    bagging_fraction=0.7, bagging_freq=1, lambda_l2=5, max_bin=63, verbose=-1, num_threads=2, seed=0, deterministic=True,
)


def shares(truth, passages):
    """For each passage the share of its words that belong to the content: those that align with the truth in order, and
    of the others the passages that stand in what is left of it."""
    codes = {}
    code = lambda word: codes.setdefault(word, len(codes))
    flat = [code(word) for passage in passages for word in passage]
    owner = numpy.repeat(numpy.arange(len(passages)), [len(passage) for passage in passages])
    hit, taken = numpy.zeros(len(flat), bool), numpy.zeros(len(truth), bool)
    for step in LCSseq.opcodes(flat, [code(word) for word in truth]):
        if step.tag == "equal":
            hit[step.src_start:step.src_end], taken[step.dest_start:step.dest_end] = True, True
    lengths = numpy.array([len(passage) for passage in passages])
    share = numpy.bincount(owner, weights=hit, minlength=len(passages)) / numpy.maximum(lengths, 1)
    rest = " " + " ".join("\0" if gone else word for word, gone in zip(truth, taken)) + " "
    for at in numpy.argsort(-lengths):
        if share[at] < 0.5 and lengths[at] >= 2:
            passage = " " + " ".join(passages[at]) + " "
            if passage in rest:
                share[at], rest = 1, rest.replace(passage, " \0 ", 1)
    return share, lengths


def read(folder, file, with_set_aside):
    truth, pages = truths(folder), []
    for line in open(file):
        page = json.loads(line)
        aside = is_set_aside(page["id"])
        if aside and not with_set_aside or not page["rows"]:
            continue
        about = truth[page["id"]]
        passages = [words(text) for text in page["texts"]]
        share, lengths = shares(words(about["text"]), passages)
        pages.append(dict(
            rows=numpy.array(page["rows"], numpy.float32), share=share, lengths=lengths, passages=passages,
            truth=words(about["text"]), type=about["type"], aside=aside, host=urlparse(about["url"]).netloc,
            texts=page["texts"], frames=page["frames"], within=page["within"], columns=page["columns"],
        ))
    deal(pages, 0)
    return pages


def deal(pages, seed):
    """Into folds: pages of one host together, pages of one type evenly."""
    kinds, chance = {}, numpy.random.RandomState(seed)
    for page in pages:
        kinds.setdefault(page["host"], page["type"])
    lot = {host: chance.rand() if seed else 0 for host in sorted(kinds)}
    fold = {host: at % FOLDS for at, host in enumerate(sorted(kinds, key=lambda host: (kinds[host], lot[host], host)))}
    for page in pages:
        page["fold"] = fold[page["host"]]


def train(pages):
    """The model and what names are worth. Each page counts the same; within it a passage by its length.
    What names are worth comes, for each page, from the pages of other folds: it must not know what it is to foretell."""
    rows = []
    for fold in range(FOLDS):
        others = Worth.of([page for page in pages if page["fold"] != fold])
        rows += [(page, others.told(page)) for page in pages if page["fold"] == fold]
    weights = [numpy.maximum(page["lengths"], 1.0) for page, _ in rows]
    data = lightgbm.Dataset(
        numpy.concatenate([told for _, told in rows]),
        numpy.concatenate([page["share"] for page, _ in rows]),
        weight=numpy.concatenate([weight / weight.sum() * 100 for weight in weights]),
    )
    return lightgbm.train(PARAMETERS, data, TREES), Worth.of(pages)


def likely(model, rows):
    return 1 / (1 + numpy.exp(-TEMPER * model.predict(rows, raw_score=True)))


def once(page, likely):
    """As `page/src/fit/repeats.rs` does."""
    likely, kept, tags = likely.copy(), set(), page["rows"][:, page["columns"].index("tag")]
    for at in numpy.argsort(-likely, kind="stable"):
        said = tuple(page["passages"][at])
        if len(said) >= LEAST_REPEATED and tags[at] not in CELLS_AND_CODE:
            likely[at] = 0 if said in kept else likely[at]
            kept.add(said)
    return likely


def choose(likely, lengths):
    """As `page/src/fit/choose.rs` does."""
    order = numpy.argsort(-likely)
    kept, right = numpy.cumsum(lengths[order]), numpy.cumsum((likely * lengths)[order])
    return order[: (right / (kept + right[-1] + 1e-9)).argmax() + 1]


def check(pages):
    figures = defaultdict(lambda: defaultdict(list))
    for seed in range(DEALS):
        deal(pages, seed)
        for out in range(FOLDS):
            model, worth = train([page for page in pages if page["fold"] != out])
            for page in (page for page in pages if page["fold"] == out):
                kept = choose(once(page, likely(model, worth.told(page))), page["lengths"])
                got = [word for at in kept for word in page["passages"][at]]
                for part in ("all of them", "set aside" if page["aside"] else "to tune on"):
                    for kind in ("all types", page["type"]):
                        figures[part][kind].append(f1(page["truth"], got))
    for part, kinds in sorted(figures.items()):
        for kind, values in sorted(kinds.items()):
            print(f"{part:12s} {kind:16s} {len(values) // DEALS:4d} {numpy.mean(values):.3f}", flush=True)


def export(model, path):
    """The form that `page/src/fit/model.rs` reads. A threshold is rounded down, so that a number on it stays there."""
    trees = model.dump_model()["tree_info"]
    out = [struct.pack("<I", len(trees))]
    for tree in trees:
        forks, leaves = [], []

        def walk(node):
            if "split_feature" not in node:
                leaves.append(struct.pack("<f", node["leaf_value"] * TEMPER))
                return ~(len(leaves) - 1)
            at = len(forks)
            forks.append(None)
            ways = walk(node["left_child"]), walk(node["right_child"])
            threshold = numpy.float32(node["threshold"])
            if float(threshold) > node["threshold"]:
                threshold = numpy.nextafter(threshold, numpy.float32(-numpy.inf))
            forks[at] = struct.pack("<Hhhf", node["split_feature"], *ways, threshold)
            return at

        walk(tree["tree_structure"])
        out += [struct.pack("<I", len(forks)), *forks, *leaves]
    open(path, "wb").write(b"".join(out))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    whole = arguments[2:] == ["--all"]
    pages = read(*arguments[:2], with_set_aside=whole)
    if len(arguments) == 3 and not whole:
        model, worth = train(pages)
        export(model, f"{arguments[2]}/model.bin")
        worth.export(f"{arguments[2]}/names.bin")
    else:
        check(pages)
