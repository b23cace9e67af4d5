#!/usr/bin/env bash
<<<<<<<< HEAD:checks/dependency_direction.sh
# Checks the dependency direction of the packages: `actors` has no web server, HTTP client, database or configuration crate;
# `page` has none of these and no async runtime; `domain` does no I/O and uses no clock; only `egress` opens connections.
========
# Checks the dependency direction: `actors` depends on no web server, HTTP client, database or configuration crate, `page` on
# no runtime; `domain` does no I/O and reads no clock.
>>>>>>>> 3467a1b (tests, benches, examples: plain names and prose; add make test-fast):checks/dependencies.sh
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

forbid_crates() { # package, crates
  local tree
  tree=$(cargo tree -p "$1" -e normal --prefix none | awk '{print $1}' | sort -u)
  for crate in $2; do
<<<<<<<< HEAD:checks/dependency_direction.sh
    if grep -qx "$crate" <<<"$tree"; then echo "dependency direction: $1 must not depend on $crate"; failed=1; fi
  done
}

forbid_words() { # folder, pattern, rule
  if grep -rnE "$2" "$1"; then echo "dependency direction: $3"; failed=1; fi
========
    if grep -qx "$crate" <<<"$tree"; then echo "dependencies: $1 must not depend on $crate"; failed=1; fi
  done
}

forbid_words() { # folder, pattern, reason
  if grep -rnE "$2" "$1"; then echo "dependencies: $3"; failed=1; fi
>>>>>>>> 3467a1b (tests, benches, examples: plain names and prose; add make test-fast):checks/dependencies.sh
}

forbid_crates opilio-actors "actix-web reqwest hyper redis rusqlite libsqlite3-sys serde-saphyr clap"
forbid_crates opilio-page "tokio actix reqwest hyper rusqlite opilio-actors"
forbid_words actors/src/domain 'use (std::(fs|net)|tokio|actix|crate::ports)|Timestamp::now|SystemTime|Instant::now' \
<<<<<<<< HEAD:checks/dependency_direction.sh
  'actors/src/domain does no I/O and uses no clock'
# Connections to Redis, which the operator configures, and those of the command-line client do not pass the guard.
if grep -rnE 'reqwest|Stream::connect|UdpSocket|lookup_host|hyper::client' src --include='*.rs' |
  grep -vE '^src/(egress[./]|cli[./]|stores/redis)|tests?(/|\.rs)'; then
  echo "dependency direction: only src/egress opens connections"; failed=1
fi
if cargo tree -p opilio -e normal,features --prefix none | grep -q 'opilio-actors feature "\(faults\|testing\)"'; then
  echo "dependency direction: the release binary has no fault points and no fakes"; failed=1
========
  'actors/src/domain must not do I/O or read a clock'
# Outgoing connections pass the egress guard, except those to Redis and those of `cli` to the server.
if grep -rnE 'reqwest|Stream::connect|UdpSocket|lookup_host|hyper::client' src --include='*.rs' |
  grep -vE '^src/(egress[./]|cli[./]|stores/redis)|tests?(/|\.rs)'; then
  echo "dependencies: only src/egress may open outgoing connections"; failed=1
fi
if cargo tree -p opilio -e normal,features --prefix none | grep -q 'opilio-actors feature "\(faults\|testing\)"'; then
  echo "dependencies: a release must not have the features faults and testing"; failed=1
>>>>>>>> 3467a1b (tests, benches, examples: plain names and prose; add make test-fast):checks/dependencies.sh
fi
exit "$failed"
