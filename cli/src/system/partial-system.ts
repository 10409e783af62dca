import { NO_GATEWAY } from '@caudal/config/service-settings.ts'
import { SERVICE_ENTRIES } from './services.ts'

/** The variables of databases beside DATABASE_URL. */
const OTHER_DATABASE = /^CAUDAL_[A-Z_]+_DATABASE_URL$/

/**
 * Whether this process runs some services of a system whose other services run elsewhere. Then it
 * is configured by its environment only, generates no secrets and has no data directory. Some
 * services on the embedded database are a development system without the others, not a partial
 * system.
 */
export function isPartial(names: readonly string[], env: NodeJS.ProcessEnv): boolean {
  return names.length < SERVICE_ENTRIES.size && !needsEmbedded(names, env)
}

/** Whether one of these services needs a database and the environment names none. */
export function needsEmbedded(names: readonly string[], env: NodeJS.ProcessEnv): boolean {
  if (env['DATABASE_URL']) return false
  return names
    .map((name) => SERVICE_ENTRIES.get(name)!)
    .some(({ key, stateful }) => stateful && !env[`CAUDAL_${key}_DATABASE_URL`])
}

/**
 * Why this start would make an empty system that was not asked for, or undefined. The embedded
 * database is for the whole system, or for services that `--embedded` (`asked`) gives one:
 * otherwise a forgotten DATABASE_URL would start a service on an empty database, ready.
 */
export function refuseEmbedded(
  names: readonly string[],
  env: NodeJS.ProcessEnv,
  asked: boolean,
): string | undefined {
  if (!needsEmbedded(names, env)) {
    return asked ? '--embedded is not for services whose database is named' : undefined
  }
  if (env['DATABASE_URL'] === '') return 'DATABASE_URL is empty: set it, or unset it'
  if (asked) return undefined
  const named = Object.keys(env).filter((name) => OTHER_DATABASE.test(name) && env[name])
  const how = 'set it, or add --embedded for an embedded database in the data directory'
  if (named.length > 0) return `DATABASE_URL is missing beside ${named.join(', ')}: ${how}`
  if (names.length === SERVICE_ENTRIES.size) return undefined
  return `DATABASE_URL is missing for ${names.join(', ')}: ${how}`
}

/**
 * The settings that only a partial system needs. Its gateways must share a signing key, because
 * services that got the keys of one gateway would refuse the tokens of another.
 */
export function missingSettings(names: readonly string[], env: NodeJS.ProcessEnv): string[] {
  const signs = names.includes('api-gateway') && !env['CAUDAL_GATEWAY_SIGNING_KEY']
  return signs ? ['CAUDAL_GATEWAY_SIGNING_KEY is missing; all gateways must share one key'] : []
}

/**
 * The setting of a system without a gateway: no gateway issues user tokens. Without it the services
 * would wait for the gateway's keys and never become ready.
 */
export function withoutGateway(
  names: readonly string[],
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const named = env['CAUDAL_API_GATEWAY_URL'] ?? env['CAUDAL_GATEWAY_ISSUER']
  if (names.includes('api-gateway') || named || isPartial(names, env)) return {}
  return { CAUDAL_GATEWAY_ISSUER: NO_GATEWAY }
}
