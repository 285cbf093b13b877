#!/bin/sh
# The providers of software as a service: they are ready when they say where they listen.
set -eu
systemctl enable --quiet providers.service
systemctl start providers.service
