#!/bin/sh
# Make the application image of this host: an empty tree over the host's own /usr, mounted read-only.
set -eu
install -d -m 0755 /opt/mycosoft
install -m 0600 /opt/lab/env/mycorrhizae.env /opt/mycosoft/.env

# A container within a container: no more than this one has itself, and nothing the kernel would have to nest.
# shellcheck disable=SC3045
cat > /etc/containers/containers.conf <<CONF
[containers]
netns = "host"
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=$(cat /proc/self/limits | awk '/Max processes/ {print $4 ":" $4}')"]
volumes = ["/usr:/usr:ro", "/opt/lab:/opt/lab:ro", "/sys/fs/cgroup:/sys/fs/cgroup:ro"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
printf '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' > /etc/containers/storage.conf

root=$(mktemp -d)
for directory in usr opt/lab etc proc sys dev tmp run var; do mkdir -p "$root/$directory"; done
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
tar -C "$root" -cf "$root.tar" .
podman import --quiet \
    --change 'WORKDIR /opt/lab/services' \
    --change 'CMD ["/usr/bin/python3","/opt/lab/services/mycorrhizae_api.py"]' \
    "$root.tar" localhost/mycorrhizae-api:lab > /dev/null
rm -rf "$root" "$root.tar"
