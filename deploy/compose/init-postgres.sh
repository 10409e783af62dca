#!/bin/sh
# Runs once, when the server has no data: creates the role that owns and migrates the databases and
# the role that the services run as. The services create their databases themselves.
set -eu
psql --no-psqlrc -v ON_ERROR_STOP=1 \
  -v owner_password="$CAUDAL_OWNER_PASSWORD" \
  -v app_password="$CAUDAL_APP_PASSWORD" \
  --username "$POSTGRES_USER" --dbname postgres << 'SQL'
CREATE ROLE caudal_owner LOGIN CREATEDB PASSWORD :'owner_password';
CREATE ROLE caudal_app LOGIN PASSWORD :'app_password';
SQL
