#!/usr/bin/env python3
"""Trains the classifier of main content (`model.bin` and `name_weights.bin` in `page/src/content`), or cross-validates it.

  cargo run --release -p opilio-page --example training_data -- PAGES > blocks.jsonl
  train.py PAGES blocks.jsonl                      five-fold cross-validation, the pages of one host in one fold
  train.py PAGES blocks.jsonl page/src/content     trains on all training pages and writes the model there
  train.py PAGES blocks.jsonl --all                cross-validation including the held-out third

The held-out third (pages.py) is excluded from the first two. Scores are means over several assignments of the pages to folds;
a single assignment is up to 0.01 off.
"""
import json
import struct
import sys
from collections import defaultdict
from urllib.parse import urlparse

import lightgbm
import numpy
from rapidfuzz.distance import LCSseq

from name_weights import NameWeights
from pages import f1, is_held_out, load_truth, words

FOLDS, TREES, ASSIGNMENTS = 5, 115, 5
# Repetitions of shorter text blocks, and of blocks in table cells and code (`tag_class` in `features/block.rs`), are kept.
MIN_DUPLICATE_WORDS, CELLS_AND_CODE = 5, (8, 9, 18)
# The model is overconfident: its log-odds are multiplied by this factor.
TEMPERATURE = 0.7
PARAMETERS = dict(
    objective="cross_entropy", learning_rate=0.1, num_leaves=20, min_data_in_leaf=40, feature_fraction=0.3,
    bagging_fraction=0.7, bagging_freq=1, lambda_l2=5, max_bin=63, verbose=-1, num_threads=2, seed=0, deterministic=True,
)


def shares(truth, blocks):
    """The share of content words in each text block, and the lengths of the blocks. Words count if they align with the truth in
    order; other blocks count if they occur as a whole in the rest of the truth."""
    codes = {}
    code = lambda word: codes.setdefault(word, len(codes))
    flat = [code(word) for block in blocks for word in block]
    owner = numpy.repeat(numpy.arange(len(blocks)), [len(block) for block in blocks])
    hit, taken = numpy.zeros(len(flat), bool), numpy.zeros(len(truth), bool)
    for step in LCSseq.opcodes(flat, [code(word) for word in truth]):
        if step.tag == "equal":
            hit[step.src_start:step.src_end], taken[step.dest_start:step.dest_end] = True, True
    lengths = numpy.array([len(block) for block in blocks])
    share = numpy.bincount(owner, weights=hit, minlength=len(blocks)) / numpy.maximum(lengths, 1)
    rest = " " + " ".join("\0" if used else word for word, used in zip(truth, taken)) + " "
    for at in numpy.argsort(-lengths):
        if share[at] < 0.5 and lengths[at] >= 2:
            block = " " + " ".join(blocks[at]) + " "
            if block in rest:
                share[at], rest = 1, rest.replace(block, " \0 ", 1)
    return share, lengths


def read(folder, file, with_held_out):
    truth, pages = load_truth(folder), []
    for line in open(file):
        page = json.loads(line)
        held_out = is_held_out(page["id"])
        if held_out and not with_held_out or not page["rows"]:
            continue
        about = truth[page["id"]]
        blocks = [words(text) for text in page["texts"]]
        share, lengths = shares(words(about["text"]), blocks)
        pages.append(dict(
            rows=numpy.array(page["rows"], numpy.float32), share=share, lengths=lengths, blocks=blocks,
            truth=words(about["text"]), type=about["type"], held_out=held_out, host=urlparse(about["url"]).netloc,
            texts=page["texts"], containers=page["containers"], block_containers=page["block_containers"],
            columns=page["columns"],
        ))
    assign_folds(pages, 0)
    return pages


def assign_folds(pages, seed):
    """Assigns pages to folds: the pages of one host to the same fold, each page type evenly."""
    kinds, random = {}, numpy.random.RandomState(seed)
    for page in pages:
        kinds.setdefault(page["host"], page["type"])
    order = {host: random.rand() if seed else 0 for host in sorted(kinds)}
    fold = {host: at % FOLDS for at, host in enumerate(sorted(kinds, key=lambda host: (kinds[host], order[host], host)))}
    for page in pages:
        page["fold"] = fold[page["host"]]


def train(pages):
    """The model and the name weights. Pages have equal weight; within a page, text blocks are weighted by length. The name
    weights of each page come from the pages of other folds, so that they do not contain its own labels."""
    rows = []
    for fold in range(FOLDS):
        others = NameWeights.of([page for page in pages if page["fold"] != fold])
        rows += [(page, others.apply(page)) for page in pages if page["fold"] == fold]
    weights = [numpy.maximum(page["lengths"], 1.0) for page, _ in rows]
    data = lightgbm.Dataset(
        numpy.concatenate([features for _, features in rows]),
        numpy.concatenate([page["share"] for page, _ in rows]),
        weight=numpy.concatenate([weight / weight.sum() * 100 for weight in weights]),
    )
    return lightgbm.train(PARAMETERS, data, TREES), NameWeights.of(pages)


def predict(model, rows):
    return 1 / (1 + numpy.exp(-TEMPERATURE * model.predict(rows, raw_score=True)))


def suppress_duplicates(page, probabilities):
    """The same as `page/src/content/duplicates.rs`."""
    probabilities, kept, tags = probabilities.copy(), set(), page["rows"][:, page["columns"].index("tag")]
    for at in numpy.argsort(-probabilities, kind="stable"):
        block = tuple(page["blocks"][at])
        if len(block) >= MIN_DUPLICATE_WORDS and tags[at] not in CELLS_AND_CODE:
            probabilities[at] = 0 if block in kept else probabilities[at]
            kept.add(block)
    return probabilities


def select(probabilities, lengths):
    """The same as `page/src/content/expected_f1.rs`."""
    order = numpy.argsort(-probabilities)
    kept, correct = numpy.cumsum(lengths[order]), numpy.cumsum((probabilities * lengths)[order])
    return order[: (correct / (kept + correct[-1] + 1e-9)).argmax() + 1]


def cross_validate(pages):
    scores = defaultdict(lambda: defaultdict(list))
    for seed in range(ASSIGNMENTS):
        assign_folds(pages, seed)
        for out in range(FOLDS):
            model, weights = train([page for page in pages if page["fold"] != out])
            for page in (page for page in pages if page["fold"] == out):
                probabilities = predict(model, weights.apply(page))
                kept = select(suppress_duplicates(page, probabilities), page["lengths"])
                found = [word for at in kept for word in page["blocks"][at]]
                for part in ("all pages", "held out" if page["held_out"] else "training"):
                    for kind in ("all types", page["type"]):
                        scores[part][kind].append(f1(page["truth"], found))
    for part, kinds in sorted(scores.items()):
        for kind, values in sorted(kinds.items()):
            print(f"{part:12s} {kind:16s} {len(values) // ASSIGNMENTS:4d} {numpy.mean(values):.3f}", flush=True)


def export(model, path):
    """Writes the format of `page/src/content/model.rs`. Thresholds are rounded down, so that a value equal to one stays on its side."""
    trees = model.dump_model()["tree_info"]
    out = [struct.pack("<I", len(trees))]
    for tree in trees:
        splits, leaves = [], []

        def walk(node):
            if "split_feature" not in node:
                leaves.append(struct.pack("<f", node["leaf_value"] * TEMPERATURE))
                return ~(len(leaves) - 1)
            at = len(splits)
            splits.append(None)
            children = walk(node["left_child"]), walk(node["right_child"])
            threshold = numpy.float32(node["threshold"])
            if float(threshold) > node["threshold"]:
                threshold = numpy.nextafter(threshold, numpy.float32(-numpy.inf))
            splits[at] = struct.pack("<Hhhf", node["split_feature"], *children, threshold)
            return at

        walk(tree["tree_structure"])
        out += [struct.pack("<I", len(splits)), *splits, *leaves]
    open(path, "wb").write(b"".join(out))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    whole = arguments[2:] == ["--all"]
    pages = read(*arguments[:2], with_held_out=whole)
    if len(arguments) == 3 and not whole:
        model, weights = train(pages)
        export(model, f"{arguments[2]}/model.bin")
        weights.export(f"{arguments[2]}/name_weights.bin")
    else:
        cross_validate(pages)
