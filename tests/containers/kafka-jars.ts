import { dirname } from 'node:path'
import { kafkaJars } from '../../tools/kafka/kafka-jars.ts'

/** Prints the folder of Kafka's jars, which Maven downloads the first time. */
const { classPath } = await kafkaJars()
process.stdout.write(dirname(classPath))
