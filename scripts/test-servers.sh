#!/bin/sh
# Install the servers that the kinds are tested against on this machine, and two editors; quick when they are there. They are not started here.
set -eu
missing=
for package in postgresql redis-server openssh-server mosquitto pgbouncer vim-tiny nano; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
apt-get update -qq
# A list of package names, meant to be split.
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
