import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { FastifyInstance } from 'fastify'

const MS_PER_SECOND = 1_000

interface Series {
  requests: { inc(): void }
  seconds: { observe(value: number): void }
}

/**
 * Requests and their latency by route, method and status class, and open connections (P1, P13).
 * Unknown addresses share one route label: callers must not be able to create series.
 */
export function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  const labels = ['route', 'method', 'status_class'] as const
  const requests = metrics.counter('http_requests_total', 'Requests answered.', labels)
  const seconds = metrics.histogram(
    'http_request_duration_seconds',
    'From the first byte of a request to the last of its answer.',
    labels,
  )
  // Looking a series up by its labels costs more than counting, so each is looked up once.
  const known = new Map<string, Series>()
  const seriesOf = (route: string, method: string, statusCode: number): Series => {
    const statusClass = Math.floor(statusCode / 100)
    const key = `${statusClass}${method} ${route}`
    let series = known.get(key)
    if (series === undefined) {
      const values = [route, method, `${statusClass}xx`] as const
      series = { requests: requests.labels(...values), seconds: seconds.labels(...values) }
      known.set(key, series)
    }
    return series
  }
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url
    const series = seriesOf(
      route ?? 'unknown',
      route === undefined ? 'any' : request.method,
      reply.statusCode,
    )
    series.requests.inc()
    series.seconds.observe(reply.elapsedTime / MS_PER_SECOND)
    done()
  })
  countConnections(app, metrics)
}

function countConnections(app: FastifyInstance, metrics: Metrics): void {
  let open = 0
  app.server.on('connection', (socket) => {
    open++
    socket.once('close', () => open--)
  })
  metrics.gauge('http_open_connections', 'Connections open now.', [], (gauge) => gauge.set(open))
}
