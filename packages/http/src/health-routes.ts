import type { Server } from 'node:http'
import type { OperationsSettings } from '@caudal/config/edge-settings.ts'
import { withDeadline } from '@caudal/retry/with-deadline.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { FastifyInstance } from 'fastify'
import { hostInUrl } from './host-in-url.ts'
import { type OperationsAnswer, startOperationsServer } from './operations-server.ts'
import { openApiText } from './publish-open-api.ts'

/** The check of one dependency. `warn` needs an operator's attention, but the service works. */
export interface CheckResult {
  status: 'ok' | 'warn' | 'fail'
  detail?: string
}

export type Readiness = () => Promise<Record<string, CheckResult>>

const READINESS_TIMEOUT_MS = 5_000
const UNKNOWN: Record<string, CheckResult> = { readiness: { status: 'fail' } }

interface HealthDeps {
  name: string
  logger: Logger
  metrics: Metrics
  readiness: Readiness
}

/** Where `/metrics` and `/openapi.json` are: on the port of the service, its own, or both. */
export interface OperationsPorts {
  onService: boolean
  operations: OperationsSettings | undefined
}

/**
 * `/healthz` (the process answers) and `/readyz` (it can serve: 503 when a check fails, `degraded`
 * when one warns) on the port of the service. They are on the operations port too, with `/livez`,
 * and so are `/metrics` and `/openapi.json`, which a caller has no business with.
 */
export function addHealthRoutes(
  app: FastifyInstance,
  deps: HealthDeps,
  places: OperationsPorts,
): void {
  const routes = healthRoutes(app, deps)
  const { '/livez': _, ...all } = routes
  const { '/metrics': _metrics, '/openapi.json': _openApi, ...health } = all
  for (const [path, answer] of Object.entries(places.onService ? all : health)) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => {
      const { status, contentType, body } = await answer()
      return reply.code(status).type(contentType).send(body)
    })
  }
  const { operations } = places
  if (operations === undefined) return
  let server: Server | undefined
  app.addHook('onReady', async () => {
    server = await startOperationsServer(operations, routes, (err) =>
      deps.logger.error({ err }, 'a request of the operations port failed'),
    )
    const url = `http://${hostInUrl(operations.host)}:${operations.port}`
    deps.logger.info({ url }, 'the operations port is listening')
  })
  app.addHook('onClose', () => {
    server?.close()
    server?.closeAllConnections()
    return Promise.resolve()
  })
}

function healthRoutes(app: FastifyInstance, { name, logger, metrics, readiness }: HealthDeps) {
  const live = () => Promise.resolve(asJson(200, { status: 'ok', name }))
  return {
    '/livez': live,
    '/healthz': live,
    '/readyz': async () => {
      const checks = await withDeadline(READINESS_TIMEOUT_MS, readiness).catch((error: unknown) => {
        logger.warn({ err: error }, 'could not determine readiness')
        return UNKNOWN
      })
      const status = summary(Object.values(checks))
      return asJson(status === 'unavailable' ? 503 : 200, { status, checks })
    },
    '/metrics': async () => ({
      status: 200,
      contentType: metrics.registry.contentType,
      body: await metrics.text(),
    }),
    '/openapi.json': () => Promise.resolve(jsonAnswer(200, openApiText(app))),
  }
}

function asJson(status: number, value: unknown): OperationsAnswer {
  return jsonAnswer(status, JSON.stringify(value))
}

function jsonAnswer(status: number, body: string): OperationsAnswer {
  return { status, contentType: 'application/json; charset=utf-8', body }
}

function summary(checks: CheckResult[]): 'ok' | 'degraded' | 'unavailable' {
  if (checks.some((check) => check.status === 'fail')) return 'unavailable'
  return checks.some((check) => check.status === 'warn') ? 'degraded' : 'ok'
}
