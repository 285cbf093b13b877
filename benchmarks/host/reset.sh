#!/bin/sh
# Make this the host that nothing was ever delivered to: no file, no drop-in, no process, no memory of either.
set -eu
systemctl stop bench.service
rm -rf /etc/bench /etc/systemd/system/bench.service.d /var/lib/mycoops /var/lib/bench
install -d -m 0700 /etc/bench
systemctl daemon-reload
systemctl reset-failed bench.service 2> /dev/null || true
