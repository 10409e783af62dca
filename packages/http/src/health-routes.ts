import { withDeadline } from '@caudal/retry/with-deadline.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { FastifyInstance } from 'fastify'

/** The check of one dependency. `warn` needs an operator's attention, but the service works. */
export interface CheckResult {
  status: 'ok' | 'warn' | 'fail'
  detail?: string
}

export type Readiness = () => Promise<Record<string, CheckResult>>

const READINESS_TIMEOUT_MS = 5_000
const UNKNOWN: Record<string, CheckResult> = { readiness: { status: 'fail' } }

/**
 * `/healthz` (the process answers), `/readyz` (it can serve: 503 when a check fails, `degraded`
 * when one warns) and `/metrics`.
 */
export function addHealthRoutes(
  app: FastifyInstance,
  deps: { name: string; logger: Logger; metrics: Metrics; readiness: Readiness },
): void {
  const { name, logger, metrics, readiness } = deps
  const schema = { hide: true }
  app.get('/healthz', { schema }, (_request, reply) => reply.send({ status: 'ok', name }))
  app.get('/readyz', { schema }, async (_request, reply) => {
    const checks = await withDeadline(READINESS_TIMEOUT_MS, readiness).catch((error: unknown) => {
      logger.warn({ err: error }, 'could not determine readiness')
      return UNKNOWN
    })
    const status = summary(Object.values(checks))
    return reply.code(status === 'unavailable' ? 503 : 200).send({ status, checks })
  })
  app.get('/metrics', { schema }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.text()),
  )
}

function summary(checks: CheckResult[]): 'ok' | 'degraded' | 'unavailable' {
  if (checks.some((check) => check.status === 'fail')) return 'unavailable'
  return checks.some((check) => check.status === 'warn') ? 'degraded' : 'ok'
}
