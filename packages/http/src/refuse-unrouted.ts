import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from './problem.ts'

interface Route {
  method: string
  segments: string[]
}

/**
 * Answers requests that match no route: 405 with `Allow` if the path has other methods, else 404.
 * Call it before routes are declared.
 */
export function refuseUnrouted(
  app: FastifyInstance,
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const routes: Route[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) {
      routes.push({ method: one.toUpperCase(), segments: url.split('/') })
    }
  })
  return (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const segments = path.split('/')
    const allowed = routes.filter((route) => matches(route.segments, segments))
    if (allowed.length === 0) return sendProblem(reply, 'ROUTE_NOT_FOUND')
    const allow = [...new Set(allowed.map((route) => route.method))].toSorted().join(', ')
    return sendProblem(reply, 'METHOD_NOT_ALLOWED', `allowed here: ${allow}`, {
      headers: { allow },
    })
  }
}

function matches(pattern: string[], path: string[]): boolean {
  if (pattern.length !== path.length) return false
  return pattern.every((segment, index) =>
    segment.startsWith(':') ? path[index] !== '' : segment === path[index],
  )
}
