#!/bin/sh
# Install the programs that env files are held against, pinned, on a Debian 12; quick when they are there.
set -eu
cd "$(dirname "$0")/.."
missing=
for package in dash libsystemd-shared podman; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
    apt-get update -qq
    # A list of package names, meant to be split.
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
bin="$PWD/.venv/bin" made="$PWD/.cache/codec" from="$PWD/tests/codec"
mkdir -p "$made/node"
sum=$(cat "$from"/requirements.lock "$from"/containers/* "$from"/node/package*.json | sha256sum)
if [ "$(cat "$made/ready" 2>/dev/null)" = "$sum" ] && "$bin/python" -c 'import atheris, environ' 2>/dev/null; then
    exit 0
fi
"$bin/pip" install -q --disable-pip-version-check --require-hashes -r "$from/requirements.lock"
cp "$from"/node/package*.json "$made/node"
(cd "$made/node" && PATH="$bin:$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund)
(cd "$from/containers" && GOTOOLCHAIN=local "$bin/go" build -buildvcs=false -o "$made/containers" .)
echo "$sum" >"$made/ready"
