#!/usr/bin/env python3
"""Find words and phrases that the project avoids in its source, its documentation and its file names.

    python3 checks/prose.py [PATH...]      # default: every tracked file
    python3 checks/prose.py --self-test

`AVOIDED` lists the phrases with their replacements. Identifiers are split at underscores and capitals, and phrases are found
across line breaks. A legitimate use is an entry of prose_allowed.txt: `path | text of the line | reason`. An entry that no
longer applies is an error.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = Path(__file__).resolve().parent / "prose_allowed.txt"
SUFFIXES = {".rs", ".md", ".yml", ".yaml", ".lua", ".sql", ".py", ".ts", ".js", ".css", ".html", ".sh", ".toml", ".json"}
NAMES = {"Makefile", "Dockerfile", "run"}
EXCLUDED = re.compile(r"^(checks/prose|fuzz/corpus/|page/tests/pages/|.*/fixtures/.*\.html$)|(^|/)Cargo\.lock$")

AVOIDED = [
    (r"told|tells of", "notified, reported, sent"),
    (r"the peer|peer s", "Crawl4AI; a TCP peer needs an entry in prose_allowed.txt"),
    (r"troubles?|troubled", "error"),
    (r"(un)?attended", "interactive (synchronous) request"),
    (r"hand(s|ed|ing)?( \w+){0,3} (back|over)", "release, yield, pass"),
    (r"(nobody|somebody)( s)?", "the concrete subject"),
    (r"whoever", "the concrete subject"),
    (r"so many", "up to N, at most N, limit"),
    (r"what is none", "invalid X"),
    (r"(?<!there )is no (?!longer\b)\w+", "is not an X, invalid X"),
    (r"mend(s|ed|ing|er)?", "fix"),
    (r"torment(s|ed|ing|or)?", "stress"),
    (r"innocent(s|ly)?", "unaffected"),
    (r"guilty", "suspect"),
]
PATTERNS = [(re.compile(rf"(?<!\w)(?:{pattern})(?!\w)"), instead) for pattern, instead in AVOIDED]
# What begins a line of a comment, a quotation or a list.
MARKER = re.compile(r"^\s*(//[/!]?|#+|--|\*|>|-)?\s*")


def plain(text):
    """The words of one line, in lower case, without punctuation that would split a phrase."""
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", MARKER.sub("", text))
    return re.sub(r"[_`*\\\"'’\s]+", " ", text).strip().lower()


def findings(text):
    """(line number, phrase, replacement) for every phrase to avoid."""
    joined, starts = "", []
    for line in text.splitlines():
        starts.append(len(joined))
        joined += plain(line) + " "
    for pattern, instead in PATTERNS:
        for match in pattern.finditer(joined):
            line = max(number for number, start in enumerate(starts, 1) if start <= match.start())
            yield line, match.group(), instead


def allowed_entries():
    entries = []
    for number, line in enumerate(ALLOWED.read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            parts = [part.strip() for part in line.split(" | ")]
            if len(parts) != 3:
                sys.exit(f"{ALLOWED.name}:{number}: must be `path | text of the line | reason`")
            entries.append((number, *parts))
    return entries


def checked_files(arguments):
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *arguments], cwd=ROOT, check=True,
                             capture_output=True, text=True).stdout.splitlines()
    for name in tracked:
        path = Path(name)
        if (path.suffix in SUFFIXES or path.name in NAMES) and not EXCLUDED.search(name) and (ROOT / path).is_file():
            yield name


def main(arguments):
    entries, used, count = allowed_entries(), set(), {}
    for name in checked_files(arguments):
        text = (ROOT / name).read_text(errors="replace")
        lines = text.splitlines()
        found = [(0, phrase, instead) for _, phrase, instead in findings(name.replace("/", " ").replace("-", " "))]
        for line, phrase, instead in found + sorted(findings(text)):
            shown = lines[line - 1].strip() if line else name
            permits = [number for number, path, part, _ in entries if path == name and part in shown]
            used.update(permits)
            if not permits:
                count[phrase] = count.get(phrase, 0) + 1
                print(f"{name}:{line}: \"{phrase}\": say {instead}\n    {shown[:160]}")
    unused = [] if arguments else [entry for entry in entries if entry[0] not in used]
    for number, path, part, _ in unused:
        print(f"checks/{ALLOWED.name}:{number}: no longer needed: {path} | {part}")
    if count or unused:
        total = ", ".join(f"{phrase} {times}" for phrase, times in sorted(count.items(), key=lambda item: -item[1])[:20])
        sys.exit(f"{sum(count.values())} phrases to avoid: {total}")


def self_test():
    for text in ["// nobody waits", "fn is_told()", "struct HandBack;", "it hands the job back", "/// handed\n/// over",
                 "what answers is no Opilio", "as a peer's does", "what is none", "so_many", "SomebodyElse", "`told`"]:
        assert list(findings(text)), text
    for text in ["is no longer", "there is no retry", "Option::is_none", "troubleshooting", "bold", "recommend", "amended",
                 "a peer", "beforehand, back off"]:
        assert not list(findings(text)), text
    assert [line for line, *_ in findings("one\ntwo is\nno cat\n")] == [2]
    print("self-test passed")


if __name__ == "__main__":
    self_test() if sys.argv[1:] == ["--self-test"] else main(sys.argv[1:])
