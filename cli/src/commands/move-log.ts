import type { CliCommand } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { printJson, printLine } from '../output.ts'
import { textOption } from '../parse-options.ts'

/** `caudal move-log`: moves the embedded event log to Kafka, offsets kept equal. */
export const moveLog: CliCommand = {
  summary: 'move the embedded event log to the empty topics of KAFKA_BROKERS; services are stopped',
  usage: 'move-log --to kafka',
  options: {
    to: {
      type: 'string',
      value: 'kafka',
      about: 'where to; the KAFKA_ variables name the brokers',
    },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    if (textOption(invocation.values, 'to') !== 'kafka') throw new UsageError('--to takes kafka')
    if (!process.env['KAFKA_BROKERS']) {
      throw new UsageError('KAFKA_BROKERS is not set: it names the brokers to move the log to')
    }
    const { moveLogToKafka } = await import('../move-log/move-log-to-kafka.ts')
    const { records, services } = await moveLogToKafka(invocation.dataDir)
    if (invocation.json) printJson({ ok: true, records: Number(records), services })
    printLine(`ok  ${records} records are in Kafka, at the offsets that they had`, invocation)
    printLine('    From now on start every service with these KAFKA_ variables.', invocation)
    return EXIT.done
  },
}
