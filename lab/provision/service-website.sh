#!/bin/sh
set -eu
sh /opt/lab/provision/env-file.sh website.env /opt/mycosoft/website/.env
ln -sf /etc/nginx/sites-available/website /etc/nginx/sites-enabled/website
systemctl enable --quiet website@blue.service website@green.service nginx.service
systemctl start nginx.service
