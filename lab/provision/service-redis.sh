#!/bin/sh
set -eu
systemctl enable --quiet redis-server.service
systemctl start redis-server.service
