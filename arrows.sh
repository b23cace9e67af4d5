#!/usr/bin/env bash
# The arrows between the packages, asserted: `actors` knows no web server, no HTTP client, no database and no
# configuration; `page` knows nothing but HTML; `domain` does no I/O and reads no clock.
set -euo pipefail
cd "$(dirname "$0")"
failed=0

forbid_crates() { # package, crates
  local tree
  tree=$(cargo tree -p "$1" -e normal --prefix none | awk '{print $1}' | sort -u)
  for crate in $2; do
    if grep -qx "$crate" <<<"$tree"; then echo "arrows: $1 must not depend on $crate"; failed=1; fi
  done
}

forbid_words() { # folder, pattern, reason
  if grep -rnE "$2" "$1"; then echo "arrows: $3"; failed=1; fi
}

forbid_crates opilio-actors "actix-web reqwest hyper redis rusqlite libsqlite3-sys serde-saphyr clap"
forbid_crates opilio-page "tokio actix reqwest hyper rusqlite opilio-actors"
forbid_words actors/src/domain 'use (std::(fs|net)|tokio|actix|crate::ports)|Timestamp::now|SystemTime|Instant::now' \
  'actors/src/domain does no I/O and knows no clock'
# Whatever the server sends out passes the guard. Redis is the operator's own, and `cli` asks the server, as its client.
if grep -rnE 'reqwest|Stream::connect|UdpSocket|lookup_host|hyper::client' src --include='*.rs' |
  grep -vE '^src/(egress[./]|cli[./]|stores/redis)|tests?(/|\.rs)'; then
  echo "arrows: the server makes connections in src/egress only"; failed=1
fi
if cargo tree -p opilio -e normal,features --prefix none | grep -q 'opilio-actors feature "\(faults\|testing\)"'; then
  echo "arrows: a released binary has no fault points and no fakes"; failed=1
fi
exit "$failed"
