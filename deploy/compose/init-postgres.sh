#!/bin/sh
# Runs once, when the server has no data: creates the role that owns and migrates the databases, one
# role for each service, and that of operators. `caudal migrate` creates the databases and grants.
set -eu
psql --no-psqlrc -v ON_ERROR_STOP=1 \
  -v owner_password="$CAUDAL_OWNER_PASSWORD" \
  -v identity_password="$CAUDAL_IDENTITY_DATABASE_PASSWORD" \
  -v notifications_password="$CAUDAL_NOTIFICATIONS_DATABASE_PASSWORD" \
  -v orders_password="$CAUDAL_ORDERS_DATABASE_PASSWORD" \
  -v payments_password="$CAUDAL_PAYMENTS_DATABASE_PASSWORD" \
  -v processor_password="$CAUDAL_PROCESSOR_DATABASE_PASSWORD" \
  -v wallets_password="$CAUDAL_WALLETS_DATABASE_PASSWORD" \
  -v psp_password="$CAUDAL_PSP_DATABASE_PASSWORD" \
  -v push_password="$CAUDAL_PUSH_DATABASE_PASSWORD" \
  -v operator_password="$CAUDAL_OPERATOR_DATABASE_PASSWORD" \
  --username "$POSTGRES_USER" --dbname postgres << 'SQL'
CREATE ROLE caudal_owner LOGIN CREATEDB PASSWORD :'owner_password';
CREATE ROLE caudal_identity LOGIN PASSWORD :'identity_password';
CREATE ROLE caudal_notifications LOGIN PASSWORD :'notifications_password';
CREATE ROLE caudal_orders LOGIN PASSWORD :'orders_password';
CREATE ROLE caudal_payments LOGIN PASSWORD :'payments_password';
CREATE ROLE caudal_processor LOGIN PASSWORD :'processor_password';
CREATE ROLE caudal_wallets LOGIN PASSWORD :'wallets_password';
CREATE ROLE caudal_psp LOGIN PASSWORD :'psp_password';
CREATE ROLE caudal_push LOGIN PASSWORD :'push_password';
CREATE ROLE caudal_operator LOGIN PASSWORD :'operator_password';
SQL
