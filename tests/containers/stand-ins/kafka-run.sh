#!/bin/bash
# What the entry point of the image apache/kafka does.
set -eu
result=$(java -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' kafka.docker.KafkaDockerWrapper setup \
  --default-configs-dir /etc/kafka/docker --mounted-configs-dir /mnt/shared/config \
  --final-configs-dir /opt/kafka/config 2>&1) ||
  grep -i 'already formatted' <<< "$result" || { echo "$result" >&2; exit 1; }
# shellcheck disable=SC2086 -- these are several options
exec java $KAFKA_HEAP_OPTS ${KAFKA_OPTS:-} -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' \
  kafka.Kafka /opt/kafka/config/server.properties
