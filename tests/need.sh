# To be sourced: what a test needs is brought from Debian where it is missing, and asked for where that cannot be done.

need() { # what, the Debian packages that have it, a command that succeeds when it is there
  if eval "$3" >/dev/null 2>&1; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "$1 is missing; installing $2"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2 >/dev/null
  fi
  eval "$3" >/dev/null 2>&1 || { echo "$1 is missing; bring it by: sudo apt-get install $2"; exit 1; }
}
