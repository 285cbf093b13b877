#!/bin/sh
# Shape the image: accounts, sshd, PostgreSQL, Redis, nginx. Structure only, no value of a credential.
set -eu
config=/opt/lab/config

useradd --create-home --shell /bin/bash deploy
useradd --create-home --shell /bin/bash --groups sudo mycosoft
install -m 0440 "$config/sudoers" /etc/sudoers.d/lab
install -D -m 0644 "$config/journald.conf" /etc/systemd/journald.conf.d/lab.conf
install -m 0644 "$config/sshd.conf" /etc/ssh/sshd_config.d/lab.conf

cluster=/etc/postgresql/15/main
install -o postgres -g postgres -m 0644 "$config/postgresql.conf" "$cluster/conf.d/lab.conf"
install -o postgres -g postgres -m 0640 "$config/pg_hba.conf" "$cluster/pg_hba.conf"
pg_ctlcluster 15 main start
su postgres -c 'psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -f /opt/lab/provision/postgresql.sql'
pg_ctlcluster 15 main stop
: > /var/log/postgresql/postgresql-15-main.log

install -o redis -g redis -m 0640 "$config/users.acl" /etc/redis/users.acl
cat "$config/redis.conf" >> /etc/redis/redis.conf
install -m 0644 "$config/nginx-website.conf" /etc/nginx/sites-available/website
rm -f /etc/nginx/sites-enabled/default

# Nothing of the lab starts by itself: provision/host.sh enables what the host is meant to run.
systemctl disable --quiet ssh.service postgresql.service redis-server.service nginx.service
# What a container has no use for, or no right to.
systemctl mask --quiet podman.service podman.socket podman-restart.service podman-auto-update.service podman-auto-update.timer \
  systemd-logind.service console-getty.service getty@.service getty.target ssh.socket \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  systemd-remount-fs.service dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount sys-kernel-debug.mount \
  sys-kernel-tracing.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount systemd-binfmt.service \
  systemd-modules-load.service systemd-sysctl.service systemd-pstore.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-journald-audit.socket
systemctl set-default --quiet multi-user.target
mkdir -p /etc/mycosoft /opt/mycosoft /var/lib/lab
