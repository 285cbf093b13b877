#!/bin/sh
# Make this container the host it is meant to be: usage host.sh SERVICE...; the public key of `deploy` comes by stdin.
# Idempotent; prints the host's public SSH keys.
set -eu
here=/opt/lab/provision
key=$(cat)
systemctl is-system-running --wait > /dev/null || true

if [ ! -e /var/lib/lab/ready ]; then
    [ -s /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -C "$(hostname)" -f /etc/ssh/ssh_host_ed25519_key
    for service in "$@"; do
        sh "$here/service-$service.sh"
    done
    systemctl enable --quiet ssh.service
    systemctl restart ssh.service
    touch /var/lib/lab/ready
fi
if [ -n "$key" ]; then
    install -d -o deploy -g deploy -m 0700 /home/deploy/.ssh
    printf '%s\n' "$key" > /home/deploy/.ssh/authorized_keys
    chown deploy:deploy /home/deploy/.ssh/authorized_keys
    chmod 0600 /home/deploy/.ssh/authorized_keys
fi
cat /etc/ssh/ssh_host_*_key.pub
