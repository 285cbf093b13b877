#!/bin/sh
set -eu
install -d -m 0755 -o mycosoft -g mycosoft /home/mycosoft/mycosoft
sh /opt/lab/provision/env-file.sh mas.env /home/mycosoft/mycosoft/mas/.env
systemctl enable --quiet mas-orchestrator.service
