import type { CliCommand } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { printJson, printLine } from '../output.ts'
import { textOption } from '../parse-options.ts'

/** Stands for the service's name in `--principal`. */
const SERVICE = '{service}'

/** `caudal kafka`: topics and access control lists, as an administrator of the cluster. */
export const kafka: CliCommand = {
  summary: 'print or apply the access control lists of services, or create the topics',
  usage: `kafka acls [--principal User:${SERVICE}] [--apply] | kafka topics`,
  options: {
    principal: {
      type: 'string',
      value: 'PRINCIPAL',
      about: `acls: the principal of a service, by default User:${SERVICE}`,
    },
    apply: {
      type: 'boolean',
      about: 'acls: create the lists; without it, print the calls of kafka-acls.sh',
    },
  },
  positionals: { min: 1, max: 1 },
  async run(invocation) {
    const { positionals, values, json } = invocation
    const [action] = positionals
    if (action !== 'acls' && action !== 'topics') {
      throw new UsageError(`usage: caudal ${kafka.usage}`)
    }
    const principal = textOption(values, 'principal', `User:${SERVICE}`)
    if (!principal.includes(SERVICE) || !/^\w+:./.test(principal)) {
      throw new UsageError(`--principal must be like User:${SERVICE}, got "${principal}"`)
    }
    if (!process.env['KAFKA_BROKERS']) {
      throw new UsageError('KAFKA_BROKERS is not set: it names the brokers, host:port,…')
    }
    const { createTopics, grantKafkaAccess } = await import('../system/prepare-kafka.ts')
    if (action === 'topics') {
      const topics = await createTopics()
      if (json) printJson({ ok: true, topics })
      for (const topic of topics) printLine(`ok  ${topic}`, invocation)
      return EXIT.done
    }
    const applied = values['apply'] === true
    const principalOf = (service: string): string => principal.replaceAll(SERVICE, () => service)
    const { rules, commands } = await grantKafkaAccess(principalOf, applied)
    if (json) printJson({ applied, rules })
    const done = `ok  ${rules.length} topics and groups have their access rules`
    for (const line of applied ? [done] : commands) printLine(line, invocation)
    return EXIT.done
  },
}
