import type { CliCommand } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { integerOption } from '../parse-options.ts'
import { ALL_SERVICES, namedServices } from '../system/named-services.ts'
import { SERVICE_ENTRIES } from '../system/services.ts'

/** `caudal start`: runs the whole system or some services in this process. */
export const start: CliCommand = {
  summary: 'start all services, or the named ones, in one process (with an embedded PostgreSQL)',
  usage: 'start [service…] [--embedded] [--fresh] [--data DIR] [--port N]',
  arguments: [['service', `one of ${ALL_SERVICES.join(', ')}; without one, all of them`]],
  options: {
    embedded: {
      type: 'boolean',
      about: 'give the named services an embedded database, as the whole system has one',
    },
    fresh: { type: 'boolean', about: 'delete the data of the embedded database first' },
    port: {
      type: 'string',
      value: 'N',
      about: "the gateway's port, 8080 by default; the others follow it; 0 picks free ports",
    },
  },
  positionals: { min: 0, max: ALL_SERVICES.length },
  async run(invocation) {
    const { positionals, values } = invocation
    const names = namedServices(positionals)
    if (values['fresh'] === true && process.env['DATABASE_URL']) {
      throw new UsageError('--fresh is only for the embedded database, but DATABASE_URL is set')
    }
    const { refuseEmbedded } = await import('../system/partial-system.ts')
    const embedded = values['embedded'] === true
    const refusal = refuseEmbedded(names, process.env, embedded)
    if (refusal !== undefined) {
      if (!embedded && names.length < ALL_SERVICES.length) await refuseAll(names, refusal)
      throw new UsageError(refusal)
    }
    const firstPort = integerOption(values, 'port', { min: 0, max: 65_000 }, 8080)
    const { startUntilStopped } = await import('../system/start-until-stopped.ts')
    const complete = names.length === ALL_SERVICES.length
    const fresh = values['fresh'] === true
    await startUntilStopped(invocation, { names, firstPort, fresh, complete })
    return EXIT.done
  },
}

/** Names whatever else the services lack, so that an operator has to correct a start only once. */
async function refuseAll(names: readonly string[], refusal: string): Promise<void> {
  const { checkConfiguration } = await import('../system/check-configuration.ts')
  const { missingSettings } = await import('../system/partial-system.ts')
  const services = await Promise.all(names.map((name) => SERVICE_ENTRIES.get(name)!.load()))
  checkConfiguration(services, process.env, [refusal, ...missingSettings(names, process.env)])
}
