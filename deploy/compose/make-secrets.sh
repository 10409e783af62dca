#!/bin/sh
# Makes the secrets of compose.yaml, once: a file for each in secrets/, and .env with the id of the
# Kafka cluster. Keep both: with other ones the data of the volumes cannot be opened.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ] || [ -e .env ]; then
  echo 'secrets/ or .env is there already; remove both only if the volumes have no data' >&2
  exit 1
fi
# A container reads its secrets as a user of its own, so the files are for all and the folder is not.
umask 022
mkdir -m 700 secrets
keep() { cat > "secrets/$1"; }
secret() { openssl rand -hex 24; }
jaas=org.apache.kafka.common.security.plain.PlainLoginModule

secret | keep postgres-password
for role in owner operator identity notifications orders payments processor wallets psp asyncbank push; do
  secret | keep "$role-database-password"
done

users="user_broker=\"$(secret | tee secrets/kafka-broker)\""
for user in admin identity notifications orders payments processor wallets; do
  password=$(secret)
  echo "$password" | keep "kafka-$user-password"
  users="$users user_$user=\"$password\""
done
keep kafka-jaas << JAAS
KafkaServer {
  $jaas required username="broker" password="$(cat secrets/kafka-broker)" $users;
};
JAAS
rm secrets/kafka-broker

redis=$(secret)
echo "requirepass $redis" | keep redis-conf
echo "redis://:$redis@redis:6379" | keep redis-url

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2> /dev/null | keep gateway-signing-key

# The simulated PSPs sign their callbacks: one with a shared secret, the other with a key of which
# the processor knows the public one.
secret | keep psp-callback-secret
secret | keep asyncbank-api-key
openssl genpkey -algorithm ed25519 2> /dev/null | keep asyncbank.pem
raw() { openssl pkey -in secrets/asyncbank.pem -outform DER "$@" | tail -c 32 | openssl base64; }
raw | keep asyncbank-callback-key
echo "k1:$(raw -pubout)" | keep asyncbank-callback-secrets
rm secrets/asyncbank.pem

for client in cli payments notifications; do secret | keep "$client-client-secret"; done
clients() {
  cat << CLIENTS
[{"client_id":"caudal-cli","client_secret":"$(cat secrets/cli-client-secret)",
"scopes":["payments:read","payments:write","ledger:read","ledger:write","ledger:credit",
"ledger:debit","ledger:hold","ledger:transfer","ledger:system","ledger:overdraft","ledger:admin",
"operations:cancel","refunds:write","cases:read","cases:write","callbacks:read","callbacks:write","psps:read",
"psps:write","orders:read","orders:write","users:read","users:write",$1"tenants:any","trace:read"],
"grants":["client_credentials"$2]},
{"client_id":"payments","client_secret":"$(cat secrets/payments-client-secret)",
"scopes":["orders:read","operations:cancel","tenants:any"]},
{"client_id":"notifications","client_secret":"$(cat secrets/notifications-client-secret)",
"scopes":["users:read","users:write","tenants:any"]}]
CLIENTS
}
clients '' '' | keep identity-clients
clients '"users:impersonate",' ',"urn:caudal:params:oauth:grant-type:development-login"' |
  keep trial-clients

cat > .env << ENV
COMPOSE_PROJECT_NAME=caudal
KAFKA_CLUSTER_ID=$(openssl rand -base64 16 | tr '+/' 'AZ' | cut -c 1-22)
ENV
