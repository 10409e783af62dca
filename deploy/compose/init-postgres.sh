#!/bin/sh
# Runs once, when the server has no data. `caudal migrate` then creates the databases and grants.
set -eu
sh "${CREATE_ROLES:-/create-roles.sh}" --username "$POSTGRES_USER" --dbname postgres
