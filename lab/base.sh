#!/bin/sh
# Have a base image of Debian, 12 where no other is named: pulled where a registry answers, else made from the Debian archive.
set -eu
release=${1:-12}
case $release in
    11) suite=bullseye ;;
    12) suite=bookworm ;;
    13) suite=trixie ;;
    *) echo "no suite is known for Debian $release" >&2; exit 2 ;;
esac
base=docker.io/library/debian:$release
podman image exists "$base" && exit 0
timeout 120 podman pull --quiet "$base" >/dev/null 2>&1 && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=ca-certificates "$suite" "$work/base.tar"
podman import --quiet "$work/base.tar" "$base" >/dev/null
