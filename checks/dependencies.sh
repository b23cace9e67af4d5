#!/usr/bin/env bash
# Checks the dependency direction: `actors` depends on no web server, HTTP client, database or configuration crate, `page` on
# no runtime; `domain` does no I/O and reads no clock.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

forbid_crates() { # package, crates
  local tree
  tree=$(cargo tree -p "$1" -e normal --prefix none | awk '{print $1}' | sort -u)
  for crate in $2; do
    if grep -qx "$crate" <<<"$tree"; then echo "dependencies: $1 must not depend on $crate"; failed=1; fi
  done
}

forbid_words() { # folder, pattern, reason
  if grep -rnE "$2" "$1"; then echo "dependencies: $3"; failed=1; fi
}

forbid_crates opilio-actors "actix-web reqwest hyper redis rusqlite libsqlite3-sys serde-saphyr clap"
forbid_crates opilio-page "tokio actix reqwest hyper rusqlite opilio-actors"
forbid_words actors/src/domain 'use (std::(fs|net)|tokio|actix|crate::ports)|Timestamp::now|SystemTime|Instant::now' \
  'actors/src/domain must not do I/O or read a clock'
# Outgoing connections pass the egress guard, except those to Redis and those of `cli` to the server.
if grep -rnE 'reqwest|Stream::connect|UdpSocket|lookup_host|hyper::client' src --include='*.rs' |
  grep -vE '^src/(egress[./]|cli[./]|stores/redis)|tests?(/|\.rs)'; then
  echo "dependencies: only src/egress may open outgoing connections"; failed=1
fi
if cargo tree -p opilio -e normal,features --prefix none | grep -q 'opilio-actors feature "\(faults\|testing\)"'; then
  echo "dependencies: a release must not have the features faults and testing"; failed=1
fi
exit "$failed"
