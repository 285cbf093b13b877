#!/bin/sh
set -eu
systemctl enable --quiet postgresql.service
systemctl start postgresql.service postgresql@15-main.service
