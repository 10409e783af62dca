#!/usr/bin/env bash
# Tries in the running containers what compose.yaml is to prevent, and what it is to allow.
set -euo pipefail

# refused CONTAINER WHAT COMMAND…: the command must fail.
refused() {
  local container=caudal_${1}_1 what=$2
  shift 2
  if podman exec "$container" "$@" > /dev/null 2>&1; then
    echo "$container: $what was possible" >&2
    exit 1
  fi
  echo "  $container: $what is refused"
}
# allowed CONTAINER WHAT COMMAND…: the command must succeed.
allowed() {
  local container=caudal_${1}_1 what=$2
  shift 2
  if ! podman exec "$container" "$@" > /dev/null 2>&1; then
    echo "$container: $what was not possible" >&2
    exit 1
  fi
  echo "  $container: $what is allowed"
}
# connects HOST:PORT, as a program for Node.
connects() { echo "require('net').connect(${1#*:}, '${1%:*}').on('connect', () => process.exit(0)).on('error', () => process.exit(1))"; }
asks() { echo "fetch('$1', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }).then((it) => process.exit(it.status === 404 ? 1 : 0))"; }

redis_size() {
  echo 'export REDISCLI_AUTH=$(cut -d " " -f 2 /run/secrets/redis-conf); redis-cli dbsize | grep -qx "[0-9]*[0-9]"'
}
login() {
  echo 'export PGPASSWORD=$(cat /run/secrets/payments-database-password);' \
    'psql -w -h 127.0.0.1 -U caudal_payments -d caudal_payments -c "SELECT 1"'
}
outside="awk '\$2 == \"00000000\" { found = 1 } END { exit !found }' /proc/net/route"

# Each attempt has a twin that must succeed, so that a refusal is no mistake of this script.
allowed payments 'a write to /tmp' sh -c 'echo > /tmp/file'
refused payments 'a write to its root file system' sh -c 'echo > /app/file'
refused postgres 'a write to its root file system' sh -c 'echo > /usr/file'
refused kafka-1 'a write to its root file system' sh -c 'echo > /etc/file'
refused redis 'a write to its root file system' sh -c 'echo > /usr/file'
allowed wallets 'its secret' cat /run/secrets/wallets-database-password
refused payments 'a secret of another service' cat /run/secrets/wallets-database-password
allowed payments 'PostgreSQL' node -e "$(connects postgres:5432)"
refused api-gateway 'PostgreSQL' node -e "$(connects postgres:5432)"
allowed payments 'Kafka' node -e "$(connects kafka-1:9092)"
refused api-gateway 'Kafka' node -e "$(connects kafka-1:9092)"
allowed api-gateway 'Redis' node -e "$(connects redis:6379)"
refused payments 'Redis' node -e "$(connects redis:6379)"
allowed processor 'the PSP' node -e "$(connects psp:8087)"
refused payments 'the PSP' node -e "$(connects psp:8087)"
allowed api-gateway 'a route to the outside' bash -c "$outside"
refused payments 'a route to the outside' bash -c "$outside"
allowed development-login 'development login' node -e "$(asks http://127.0.0.1:8085/v1/tokens)"
refused payments 'development login' node -e "$(asks http://identity:8085/v1/tokens)"
refused payments 'the container development-login' node -e "$(connects development-login:8085)"
allowed redis 'a command with the password' sh -c "$(redis_size)"
refused redis 'a command without the password' sh -c 'redis-cli dbsize | grep -qx "[0-9]*[0-9]"'
allowed postgres 'a login with the password' sh -c "$(login)"
refused postgres 'a login without the password' sh -c "$(login | sed 's/^.*; //')"
for container in $(podman ps --format '{{.Names}}'); do
  status=$(podman exec "$container" cat /proc/1/status)
  for line in 'Uid:	0' 'NoNewPrivs:	0'; do
    if grep -q "^$line" <<< "$status"; then
      echo "$container: process 1 has $line" >&2
      exit 1
    fi
  done
  if ! grep -q '^CapEff:	0*$' <<< "$status"; then
    echo "$container: process 1 has capabilities" >&2
    exit 1
  fi
done
echo '  every process 1: not root, no capabilities, no new privileges'
