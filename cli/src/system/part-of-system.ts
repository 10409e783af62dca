import { NO_GATEWAY } from '@caudal/http/service-settings.ts'
import { SERVICES } from './services.ts'

/**
 * Whether this process runs some services of a system whose others run elsewhere: it is configured
 * by its environment alone, makes up no secret, and keeps nothing in a data directory. A part with
 * an embedded database is the development system without some services, and is no such part.
 */
export function isPart(names: readonly string[], env: NodeJS.ProcessEnv): boolean {
  return names.length < SERVICES.size && !needsEmbedded(names, env)
}

/** Whether a service among them has a database and nothing says where. */
export function needsEmbedded(names: readonly string[], env: NodeJS.ProcessEnv): boolean {
  if (env['DATABASE_URL']) return false
  return names
    .map((name) => SERVICES.get(name)!)
    .some(({ key, stateful }) => stateful && !env[`CAUDAL_${key}_DATABASE_URL`])
}

/**
 * What one process can do without and a part of a system cannot: a gateway that signs with a key of
 * its own is believed by nobody who asked another one for the keys.
 */
export function missingOfPart(names: readonly string[], env: NodeJS.ProcessEnv): string[] {
  const signs = names.includes('api-gateway') && !env['CAUDAL_GATEWAY_SIGNING_KEY']
  return signs ? ['CAUDAL_GATEWAY_SIGNING_KEY is missing: all gateways must share one'] : []
}

/**
 * What services are told that start without a gateway and without others elsewhere: that nobody
 * vouches for users. They would wait for its keys for ever, and never be ready.
 */
export function withoutGateway(
  names: readonly string[],
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const named = env['CAUDAL_API_GATEWAY_URL'] ?? env['CAUDAL_GATEWAY_ISSUER']
  if (names.includes('api-gateway') || named || isPart(names, env)) return {}
  return { CAUDAL_GATEWAY_ISSUER: NO_GATEWAY }
}
