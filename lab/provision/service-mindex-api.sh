#!/bin/sh
set -eu
install -d -m 0755 -o mycosoft -g mycosoft /home/mycosoft/mindex
sh /opt/lab/provision/env-file.sh mindex.env /home/mycosoft/mindex/.env
install -d -m 0755 /etc/mycosoft
install -o mycosoft -g mycosoft -m 0600 /opt/lab/env/mindex-tokens.env /etc/mycosoft/mindex-tokens.env
systemctl enable --quiet mindex-api.service
