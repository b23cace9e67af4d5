#!/usr/bin/env bash
# Brings what the Python and TypeScript programs of the tests run on, into the folder given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
into=$1

need() { # what, Debian packages, a command that succeeds when it is there
  if eval "$3" >/dev/null 2>&1; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2 >/dev/null
  else
    echo "$1 is missing; bring it by: sudo apt-get install $2"; exit 1
  fi
}

need "Python 3 with venv" "python3 python3-venv" "python3 -c 'import ensurepip'"
need "Node.js 18 or later with npm" "nodejs npm" "node -e 'process.exit(process.versions.node.split(\".\")[0] >= 18 ? 0 : 1)' && npm --version"

mkdir -p "$into"
[ -x "$into/venv/bin/python" ] || python3 -m venv "$into/venv"
"$into/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
cp "$here/package.json" "$into/"
npm install --silent --no-fund --no-audit --prefix "$into"
touch "$into/ready"
