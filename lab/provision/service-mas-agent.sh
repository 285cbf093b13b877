#!/bin/sh
set -eu
install -d -m 0755 /etc/mycosoft
install -m 0640 -g mycosoft /opt/lab/env/mas-agent.env /etc/mycosoft/mas-agent.env
systemctl enable --quiet mas-agent.service
