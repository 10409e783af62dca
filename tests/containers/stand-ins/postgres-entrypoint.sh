#!/bin/sh
# What the entry point of the image postgres does with the settings that compose.yaml uses.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  # This server listens on its socket only.
  socket=/var/run/postgresql
  pg_ctl --wait --options="-c listen_addresses='' -c unix_socket_directories=$socket" start
  export PGHOST="$socket"
  for script in /docker-entrypoint-initdb.d/*.sh; do sh "$script"; done
  unset PGHOST
  pg_ctl --wait --mode=fast stop
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
