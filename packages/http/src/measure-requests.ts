import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { FastifyInstance, onResponseHookHandler } from 'fastify'

const MS_PER_SECOND = 1_000

interface Series {
  requests: { inc(): void }
  seconds: { observe(value: number): void }
}

/**
 * Requests and their latency by route, method and status class, and open connections (P1, P13).
 * Unknown addresses share one series per class, so that callers cannot create series. Call it
 * before routes are declared.
 */
export function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  const labels = ['route', 'method', 'status_class'] as const
  const requests = metrics.counter('http_requests_total', 'Requests answered.', labels)
  const seconds = metrics.histogram(
    'http_request_duration_seconds',
    'From the first byte of a request to the last of its answer.',
    labels,
  )
  // Finding a series by its labels costs more than counting, so each route caches its series.
  const counted = (route: string, method: string): onResponseHookHandler => {
    const ofClass: Array<Series | undefined> = []
    return (_request, reply, done) => {
      const statusClass = Math.floor(reply.statusCode / 100)
      let series = ofClass[statusClass]
      if (series === undefined) {
        const values = [route, method, `${statusClass}xx`] as const
        series = { requests: requests.labels(...values), seconds: seconds.labels(...values) }
        ofClass[statusClass] = series
      }
      series.requests.inc()
      series.seconds.observe(reply.elapsedTime / MS_PER_SECOND)
      done()
    }
  }
  app.addHook('onRoute', (route) => {
    const method = [route.method].flat().join('|')
    route.onResponse = [counted(route.url, method), ...[route.onResponse ?? []].flat()]
  })
  const countUnknown = counted('unknown', 'any')
  app.addHook('onResponse', function (request, reply, done) {
    if (request.is404) countUnknown.call(this, request, reply, done)
    else done()
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
