#!/bin/sh
# Have the base image docker.io/library/debian:12: pulled where a registry answers, else made from the Debian archive.
set -eu
base=docker.io/library/debian:12
podman image exists "$base" && exit 0
timeout 120 podman pull --quiet "$base" >/dev/null 2>&1 && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$work/base.tar"
podman import --quiet "$work/base.tar" "$base" >/dev/null
