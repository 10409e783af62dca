#!/bin/sh
# Creates the database roles of a system (ADR 0030), as an administrator of the server:
#
#   sh deploy/create-roles.sh postgres://admin@db:5432/postgres
#
# The arguments are those of psql; without any, its variables PGHOST, PGUSER and so on. Each role
# gets the password of its variable, through standard input: caudal_owner that of
# CAUDAL_OWNER_PASSWORD, caudal_payments that of CAUDAL_PAYMENTS_DATABASE_PASSWORD, and so on. A
# role without a variable keeps its password, or gets none and logs in by other means. The script
# can be run again, also to change passwords. Then `caudal migrate` creates the databases.
set -eu

# A role, what it may do on the server, and its password.
role() {
  printf "DO \$\$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%s') THEN
    CREATE ROLE %s %s;
  END IF;
END \$\$;\n" "$1" "$1" "$2"
  [ -z "$3" ] || printf "ALTER ROLE %s PASSWORD '%s';\n" "$1" "$(printf %s "$3" | sed "s/'/''/g")"
}

# The owner of the databases, the role of each service, and that of operators' commands.
{
  role caudal_owner 'LOGIN CREATEDB' "${CAUDAL_OWNER_PASSWORD:-}"
  role caudal_identity LOGIN "${CAUDAL_IDENTITY_DATABASE_PASSWORD:-}"
  role caudal_notifications LOGIN "${CAUDAL_NOTIFICATIONS_DATABASE_PASSWORD:-}"
  role caudal_orders LOGIN "${CAUDAL_ORDERS_DATABASE_PASSWORD:-}"
  role caudal_payments LOGIN "${CAUDAL_PAYMENTS_DATABASE_PASSWORD:-}"
  role caudal_processor LOGIN "${CAUDAL_PROCESSOR_DATABASE_PASSWORD:-}"
  role caudal_wallets LOGIN "${CAUDAL_WALLETS_DATABASE_PASSWORD:-}"
  role caudal_psp LOGIN "${CAUDAL_PSP_DATABASE_PASSWORD:-}"
  role caudal_asyncbank LOGIN "${CAUDAL_ASYNCBANK_DATABASE_PASSWORD:-}"
  role caudal_push LOGIN "${CAUDAL_PUSH_DATABASE_PASSWORD:-}"
  role caudal_operator LOGIN "${CAUDAL_OPERATOR_DATABASE_PASSWORD:-}"
} | psql --no-psqlrc --quiet --single-transaction -v ON_ERROR_STOP=1 "$@"
