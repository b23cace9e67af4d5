# To be sourced. Installs a missing program from Debian, or fails with the command that installs it.

need() { # name, Debian packages, a command that succeeds if it is installed
  if eval "$3" >/dev/null 2>&1; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "$1 is missing; installing $2"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2 >/dev/null
  fi
  eval "$3" >/dev/null 2>&1 || { echo "$1 is missing; install it: sudo apt-get install $2"; exit 1; }
}
