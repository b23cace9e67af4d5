#!/usr/bin/env bash
# Tests docker-compose.yml on a Docker engine of its own: run.sh BINARY [CHECK…]. The image contains this binary; stack.py
# runs the checks. Needs root. Missing programs are installed from Debian.
#
# Everything runs in namespaces of its own (network, mounts, processes) and in one temporary folder, so the test uses no
# port, rule or socket of the machine and leaves nothing behind. The namespace has no network, so no image is pulled: a
# Debian root file system stands in for all base images. DOCKER_DRIVER sets the storage driver of the engine (vfs works
# everywhere), COMPOSE the program to run (for example `docker compose`) instead of docker-compose.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

inside() { # binary, checks: in the namespaces
  ip link set lo up
  mkdir -p /etc/docker
  for folder in /run /etc/docker; do mount -t tmpfs tmpfs "$folder"; done
  dockerd --data-root "$work/engine" >"$work/dockerd.log" 2>&1 &
  engine=$!
  trap 'stop_engine' EXIT
  for _ in $(seq 300); do docker version >/dev/null 2>&1 && break; sleep 0.2; done
  docker version >/dev/null || { cat "$work/dockerd.log"; echo "the Docker engine does not start"; exit 1; }
  docker info 2>/dev/null | grep -E '^ *(Server Version|Storage Driver)'

  docker import --change 'WORKDIR /data' "$rootfs" base >/dev/null
  for name in $(base_images | sort -u); do docker tag base "$name"; done
  python3 "$here/stack.py" "$work/opilio" "$@"
}

stop_engine() {
  docker ps --all --quiet | xargs -r docker rm --force --volumes >/dev/null
  kill "$engine"
  wait "$engine" || true
}

# The names of all base images.
base_images() {
  sed -n 's/^ARG BUILDER=//p' "$project/Dockerfile"
  sed -n 's/^ *image: \(.*:.*\)/\1/p' "$project/docker-compose.yml" "$project/docs/getting-started.md" "$here/stack.py"
}

if [ "${1:-}" = --inside ]; then
  shift
  inside "$@"
  exit
fi

binary=$(readlink -f "$1")
shift
[ "$(id -u)" = 0 ] || { echo "starting a Docker engine needs root: sudo $0 $binary"; exit 1; }
. "$here/../need.sh"
# RUNLEVEL=1 installs the engine without starting it.
RUNLEVEL=1 need "a Docker engine" "docker.io iptables" "command -v dockerd && command -v iptables"
need "Compose" "docker-compose" "docker-compose version"
need "mmdebstrap" "mmdebstrap" "command -v mmdebstrap"
need "iproute2" "iproute2" "command -v ip"
need "strip" "binutils" "command -v strip"

export work rootfs
rootfs=$project/target/compose/rootfs.tar
if [ ! -e "$rootfs" ]; then
  mkdir -p "$(dirname "$rootfs")"
  sources=$(find /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources -size +0 2>/dev/null || true)
  # One root file system with the programs of the builder, Redis and Python images; Redis writes to /data.
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,tzdata,redis-server,python3 \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --customize-hook='chroot "$1" install -d -o redis -g redis /data' \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$rootfs.new.tar" $sources
  mv "$rootfs.new.tar" "$rootfs"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A checkout of the tracked files, and the binary at a path that .dockerignore includes.
mkdir -p "$work/opilio/target/image"
git -C "$project" ls-files -z | (cd "$project" && xargs -0 cp --parents --target-directory "$work/opilio")
strip -o "$work/opilio/target/image/opilio" "$binary"
export DOCKER_CONFIG=$work/docker OPILIO_BINARY=target/image/opilio
unshare --net --mount --pid --fork --kill-child --mount-proc bash "$here/run.sh" --inside "$@" &
trap 'kill %1; exit 1' INT TERM HUP
wait %1
