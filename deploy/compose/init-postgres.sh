#!/bin/sh
# Runs once, when the server has no data. `caudal migrate` then creates the databases and grants.
set -eu
secrets=${SECRETS_DIR:-/run/secrets}
CAUDAL_OWNER_PASSWORD=$(cat "$secrets/owner-database-password")
export CAUDAL_OWNER_PASSWORD
for role in identity notifications orders payments processor wallets psp asyncbank push operator; do
  name=$(echo "$role" | tr '[:lower:]' '[:upper:]')
  password=$(cat "$secrets/$role-database-password")
  export "CAUDAL_${name}_DATABASE_PASSWORD=$password"
done
sh "${CREATE_ROLES:-/create-roles.sh}" --username "$POSTGRES_USER" --dbname postgres
