#!/usr/bin/env bash
# Makes the secrets of compose.yaml in the folder secrets beside it. What exists stays as
# it is. The folder is for its owner only; the files in it can be read by all, because the
# users inside the containers are others than you.
set -euo pipefail
umask 022
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
cd secrets

random() { openssl rand -hex 24; }
# keep FILE: writes stdin to FILE unless it is there.
keep() {
	if [ -e "$1" ]; then cat >/dev/null; else cat >"$1"; fi
}

random | tr -d '\n' | keep postgres-password
random | tr -d '\n' | keep redis-password
for name in api-key operator-key metrics-key grafana-password; do
	random | tr -d '\n' | keep "$name"
done
printf 'postgres://afterput:%s@postgres:5432/afterput?sslmode=disable' "$(cat postgres-password)" | keep ledger-url
printf 'redis://:%s@redis:6379/0' "$(cat redis-password)" | keep redis-url
printf 'requirepass %s\nappendonly yes\nappendfsync everysec\nmaxmemory 512mb\nmaxmemory-policy noeviction\n' \
	"$(cat redis-password)" | keep redis.conf
printf 'whsec_%s' "$(openssl rand -base64 32)" | keep hook-secret

missing=()
for name in cos-secret-id cos-secret-key orders-url; do
	[ -e "$name" ] || missing+=("$name")
done
if [ ${#missing[@]} -gt 0 ]; then
	echo "write these into $PWD yourself, without a newline at the end: ${missing[*]}" >&2
	exit 1
fi
