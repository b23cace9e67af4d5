#!/usr/bin/env python3
"""Trains the classifier of main content (`model.bin` and `name_weights.bin` in `page/src/content`), or cross-validates it.

  cargo run --release -p opilio-page --example training_data -- PAGES BLOCKS
  train.py PAGES BLOCKS                      cross-validation, the pages of one site in one fold
  train.py PAGES BLOCKS page/src/content     trains on all training pages and writes the model there

Pages that are held out (pages.py) are excluded.
"""
import json
import os
import struct
import sys
from collections import Counter, defaultdict

import lightgbm
import numpy
from rapidfuzz.distance import LCSseq

from name_weights import NameWeights, flatten, keys
from pages import is_held_out, load_truth, precision_recall_f1, set_of, site_of, tokens, words

FOLDS, TREES = 5, int(os.environ.get("TREES", 150))
# The folds that cross-validation evaluates.
EVALUATED = [int(fold) for fold in os.environ.get("EVALUATED", "0 1 2 3 4").split()]
# Repetitions of shorter text blocks, and of blocks in table cells and code (`tag_class` in `features/block.rs`), are kept.
MIN_DUPLICATE_WORDS, CELLS_AND_CODE = 5, (8, 9, 18)
# The model is overconfident: its log-odds are multiplied by this factor.
TEMPERATURE = 0.8
# The weight of a set is the square root of its pages times this factor: 1 for most, less for the noisiest annotations,
# more for current pages whose annotations are the most careful.
SET_FACTORS = {"cleaneval-2007": 0.5, "daniel-news-2012": 0.7, "fundus-news": 2.0, "wcxb-dev-rest": 2.0, "wcxb-330": 2.0}
PARAMETERS = dict(
    objective="cross_entropy", learning_rate=0.1, num_leaves=24, min_data_in_leaf=100, feature_fraction=0.3,
    bagging_fraction=0.5, bagging_freq=1, lambda_l2=5, max_bin=63, verbose=-1, num_threads=2, seed=0, deterministic=True,
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


def read(folder, blocks):
    truth, pages, site_ids = load_truth(folder), [], {}
    rows, start = None, 0
    for line in open(f"{blocks}/blocks.jsonl"):
        page = json.loads(line)
        count, width = len(page["texts"]), len(page["columns"])
        if not count:
            continue
        if rows is None:
            rows = numpy.memmap(f"{blocks}/rows.f32", numpy.float32, "r").reshape(-1, width)
        start += count
        about = truth[page["id"]]
        if is_held_out(page["id"], about):
            continue
        split = [tokens(text) for text in page["texts"]]
        share, lengths = shares(tokens(about["text"]), split)
        site = site_of(about)
        title = numpy.zeros(count, bool)
        if page["title"]:
            title[page["title"][0]:page["title"][1]] = True
        pages.append(dict(
            rows=rows[start - count:start], share=share, lengths=lengths, blocks=split, title=title, set=set_of(page["id"], about),
            truth=words(about["text"]), words=[words(text) for text in page["texts"]], type=about["type"], site=site,
            site_id=site_ids.setdefault(site, len(site_ids)), columns=page["columns"], units=numpy.array(page["units"]),
            rust_words=numpy.array(page["words"]), means={}, language=about.get("language", "en"),
            keys={kind: flatten(sets) for kind, sets in keys(page).items()},
        ))
    assign_folds(pages)
    assign_weights(pages)
    return pages


def assign_folds(pages):
    """Assigns pages to folds: the pages of one site to the same fold, each set and page type evenly."""
    kinds = {}
    for page in pages:
        kinds.setdefault(page["site"], (page["set"], page["type"]))
    fold = {site: at % FOLDS for at, site in enumerate(sorted(kinds, key=lambda site: (kinds[site], site)))}
    for page in pages:
        page["fold"] = fold[page["site"]]


def assign_weights(pages):
    """Every site of a set has the same weight."""
    of_set, of_site = Counter(page["set"] for page in pages), Counter((page["set"], page["site"]) for page in pages)
    sites = Counter(name for name, _ in of_site)
    for page in pages:
        name = page["set"]
        weight = SET_FACTORS.get(name, 1) * of_set[name] ** 0.5 / sites[name]
        page["weight"] = weight / of_site[name, page["site"]]


def train(pages):
    """The model and the name weights. Within a page, text blocks are weighted by length; the title heading has no weight,
    because the annotations differ in whether they contain it. The name weights of each page come from the pages of other
    folds, so that they do not contain its own labels."""
    features, targets, weights = [], [], []
    for fold in range(FOLDS):
        part = [page for page in pages if page["fold"] == fold]
        if not part:
            continue
        others = NameWeights.of([page for page in pages if page["fold"] != fold])
        for page in part:
            weight = numpy.where(page["title"], 0, numpy.maximum(page["lengths"], 1.0) ** 0.9)
            features.append(others.apply(page))
            targets.append(page["share"])
            weights.append(weight / max(weight.sum(), 1e-9) * page["weight"])
    weights = numpy.concatenate(weights)
    data = lightgbm.Dataset(
        numpy.concatenate(features), numpy.concatenate(targets), weight=weights / weights.mean(), free_raw_data=True,
    )
    return lightgbm.train(PARAMETERS, data, TREES), NameWeights.of(pages)


def probabilities_of(log_odds, temperature):
    return 1 / (1 + numpy.exp(-temperature * log_odds))


def suppress_duplicates(page, probabilities):
    """Like `page/src/content/duplicates.rs`."""
    probabilities, kept, tags = probabilities.copy(), set(), page["rows"][:, page["columns"].index("tag")]
    for at in numpy.argsort(-probabilities, kind="stable"):
        block = tuple(page["blocks"][at])
        if len(block) >= MIN_DUPLICATE_WORDS and tags[at] not in CELLS_AND_CODE:
            probabilities[at] = 0 if block in kept else probabilities[at]
            kept.add(block)
    return probabilities


def select(page, probabilities, threshold=0.5):
    """Like `page/src/content/expected_f1.rs`, with the units of `units.rs` and the title heading."""
    weight = numpy.maximum(page["rust_words"], 0.1)
    words = numpy.bincount(page["units"], weights=weight)
    content = numpy.bincount(page["units"], weights=weight * probabilities)
    order = numpy.argsort(-content / words, kind="stable")
    kept, correct = numpy.cumsum(words[order]), numpy.cumsum(content[order])
    cut = (correct / (threshold * kept + (1 - threshold) * correct[-1] + 1e-9)).argmax() + 1
    chosen = numpy.zeros(len(words), bool)
    chosen[order[:cut]] = True
    return numpy.flatnonzero(chosen[page["units"]] | page["title"])


def score(page, kept):
    found = Counter(word for at in kept for word in page["words"][at])
    return precision_recall_f1(Counter(page["truth"]), found)


def cross_validate(pages):
    predicted = []
    for out in EVALUATED:
        model, weights = train([page for page in pages if page["fold"] != out])
        for page in (page for page in pages if page["fold"] == out):
            predicted.append((page, model.predict(weights.apply(page), raw_score=True)))
        print("fold", out, flush=True)
    for temperature in (0.65, 0.8, 1.0):
        for threshold in (0.4, 0.5, 0.6):
            report(predicted, temperature, threshold, temperature == TEMPERATURE and threshold == 0.5)


def report(predicted, temperature, threshold, by_type):
    scores = defaultdict(list)
    for page, log_odds in predicted:
        probabilities = suppress_duplicates(page, probabilities_of(log_odds, temperature))
        result = score(page, select(page, probabilities, threshold))
        scores[page["set"].replace("wcxb-330", "wcxb-dev-rest")].append(result)
        if by_type and page["set"].startswith("wcxb"):
            scores["  " + page["type"]].append(result)
        if by_type and page["set"] in ("fundus-news", "daniel-news-2012", "blogs-from-source"):
            scores[f"  {page['set']} {page['language']}"].append(result)
    line = " ".join(f"{name[:8]} {numpy.mean([each[2] for each in of]):.4f}" for name, of in sorted(scores.items()) if name[0] != " ")
    print(f"temperature {temperature} threshold {threshold}: {line}")
    if by_type:
        for name, of in sorted(scores.items()):
            print(f"{name:34s} {len(of):4d} " + " ".join(f"{value:.3f}" for value in numpy.mean(of, axis=0)), flush=True)


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
    pages = read(*arguments[:2])
    if len(arguments) == 3:
        model, weights = train(pages)
        export(model, f"{arguments[2]}/model.bin")
        weights.export(f"{arguments[2]}/name_weights.bin")
        importance = sorted(zip(model.feature_importance("gain"), pages[0]["columns"]), reverse=True)
        print(*(f"{name} {gain:.0f}" for gain, name in importance[:40]), sep=", ")
    else:
        cross_validate(pages)
