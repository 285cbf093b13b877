#!/bin/sh
# Trust the certificate authority whose PEM comes by stdin, and no other of the lab's; quick when it is trusted already.
set -eu
place=/usr/local/share/ca-certificates/providers.crt
new=$(mktemp)
trap 'rm -f "$new"' EXIT
cat > "$new"
cmp -s "$new" "$place" && exit 0
install -m 0644 "$new" "$place"
update-ca-certificates --fresh > /dev/null 2>&1
