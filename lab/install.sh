#!/bin/sh
# Install what the lab needs on a bare Debian 12; run as root, quick when everything is there.
set -eu
missing=
for package in podman runc conmon netavark iptables mmdebstrap openssh-client uidmap; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
apt-get update -qq
# A list of package names, meant to be split.
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
