#!/bin/sh
# Give Redis' user admin the password whose SHA-256 (hex) comes by stdin; prints `changed` or `unchanged`.
set -eu
acl=/etc/redis/users.acl
read -r hash
case "$hash" in *[!0-9a-f]*|'') echo 'not a SHA-256' >&2; exit 64 ;; esac
[ ${#hash} -eq 64 ] || { echo 'not a SHA-256' >&2; exit 64; }
if grep -q "^user admin on .*#$hash" "$acl"; then
    echo unchanged
    exit 0
fi
new=$(mktemp "$acl.XXXXXX")
sed '/^user admin /d' "$acl" > "$new"
printf 'user admin on #%s ~* &* +@all\n' "$hash" >> "$new"
chown redis:redis "$new"
chmod 0640 "$new"
mv "$new" "$acl"
systemctl restart redis-server.service
echo changed
