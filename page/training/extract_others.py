#!/usr/bin/env python3
"""Extracts the main content of the held-out pages with other libraries: extract_others.py PAGES OUT writes
OUT/trafilatura/ID.txt and OUT/rs-trafilatura/ID.txt. Pages that are already there are skipped."""
import sys
from pathlib import Path

import rs_trafilatura
import trafilatura

from pages import is_held_out, load_truth


def with_trafilatura(html, about):
    is_forum = about["type"] == "forum"
    return trafilatura.extract(html, url=about["url"], include_comments=is_forum, include_tables=True) or ""


def with_rs_trafilatura(html, about):
    is_forum = about["type"] == "forum"
    return rs_trafilatura.extract_bytes(html, url=about["url"], include_comments=is_forum).main_content or ""


EXTRACTORS = {"trafilatura": with_trafilatura, "rs-trafilatura": with_rs_trafilatura}


def main(folder, out):
    for name, extract in EXTRACTORS.items():
        target = Path(out) / name
        target.mkdir(parents=True, exist_ok=True)
        for page_id, about in load_truth(folder).items():
            if not is_held_out(page_id, about) or (target / f"{page_id}.txt").is_file():
                continue
            html = (Path(folder) / "html" / f"{page_id}.html").read_bytes()
            try:
                text = extract(html, about)
            except Exception as error:  # A page that a library cannot read counts as empty.
                print(f"{name} {page_id}: {error}", file=sys.stderr)
                text = ""
            (target / f"{page_id}.txt").write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
