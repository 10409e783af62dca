#!/bin/sh
# Prints an .env file with new secrets: sh make-env.sh > .env
set -eu
secret() { openssl rand -hex 24; }
key=$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2> /dev/null |
  awk '{ printf "%s\\n", $0 }')
cat << ENV
COMPOSE_PROJECT_NAME=caudal
POSTGRES_PASSWORD=$(secret)
CAUDAL_OWNER_PASSWORD=$(secret)
CAUDAL_IDENTITY_DATABASE_PASSWORD=$(secret)
CAUDAL_NOTIFICATIONS_DATABASE_PASSWORD=$(secret)
CAUDAL_ORDERS_DATABASE_PASSWORD=$(secret)
CAUDAL_PAYMENTS_DATABASE_PASSWORD=$(secret)
CAUDAL_PROCESSOR_DATABASE_PASSWORD=$(secret)
CAUDAL_WALLETS_DATABASE_PASSWORD=$(secret)
CAUDAL_PSP_DATABASE_PASSWORD=$(secret)
CAUDAL_PUSH_DATABASE_PASSWORD=$(secret)
CAUDAL_OPERATOR_DATABASE_PASSWORD=$(secret)
KAFKA_CLUSTER_ID=$(openssl rand -base64 16 | tr '+/' 'AZ' | cut -c 1-22)
CAUDAL_CLI_CLIENT_SECRET=$(secret)
CAUDAL_PAYMENTS_CLIENT_SECRET=$(secret)
CAUDAL_NOTIFICATIONS_CLIENT_SECRET=$(secret)
CAUDAL_GATEWAY_SIGNING_KEY='$key'
ENV
