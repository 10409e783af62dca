import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from './problem.ts'

interface Route {
  method: string
  segments: string[]
}

/** Answers a request if it matches no route. */
export type RefuseUnrouted = (request: FastifyRequest, reply: FastifyReply) => boolean

/**
 * Refuses requests that match no route: 405 with `Allow` if the path has other methods, else 404. A
 * path that is a route's own is never the parameter of another one: `GET /v1/users/lookup` names no
 * user. Call it before routes are declared.
 */
export function refuseUnrouted(app: FastifyInstance): RefuseUnrouted {
  const routes: Route[] = []
  const literal = new Set<string>()
  app.addHook('onRoute', ({ method, url }) => {
    if (!url.includes(':')) literal.add(url)
    for (const one of [method].flat()) {
      routes.push({ method: one.toUpperCase(), segments: url.split('/') })
    }
  })
  return (request, reply) => {
    const isParameter = !request.is404 && request.routeOptions.url?.includes(':') === true
    if (!request.is404 && !isParameter) return false
    const path = request.url.split('?', 1)[0] ?? ''
    if (isParameter && !literal.has(path)) return false
    const segments = path.split('/')
    const isOf = ({ segments: pattern }: Route): boolean =>
      literal.has(path) ? pattern.join('/') === path : matches(pattern, segments)
    const allowed = routes.filter(isOf)
    if (allowed.length === 0) sendProblem(reply, 'ROUTE_NOT_FOUND')
    else refuseMethod(reply, allowed)
    return true
  }
}

function refuseMethod(reply: FastifyReply, allowed: readonly Route[]): void {
  const allow = [...new Set(allowed.map((route) => route.method))].toSorted().join(', ')
  sendProblem(reply, 'METHOD_NOT_ALLOWED', `allowed here: ${allow}`, { headers: { allow } })
}

function matches(pattern: string[], path: string[]): boolean {
  if (pattern.length !== path.length) return false
  return pattern.every((segment, index) =>
    segment.startsWith(':') ? path[index] !== '' : segment === path[index],
  )
}
