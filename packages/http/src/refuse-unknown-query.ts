import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'
import { safeName } from './safe-name.ts'

/**
 * Refuses query parameters that a route does not have, on every documented route declared after
 * this call (ADR 24): a misspelt filter must not read as no filter. Routes without a schema, or
 * hidden from the OpenAPI document, read their own query. It runs last of the `onRequest` hooks, so
 * that callers without a token learn nothing.
 */
export function refuseUnknownQuery(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { schema } = route
    if (schema === undefined || ('hide' in schema && schema.hide)) return
    const query = schema.querystring as { properties?: Record<string, unknown> } | undefined
    const known = Object.keys(query?.properties ?? {})
    const names = new Set(known)
    const hook = (request: FastifyRequest, _reply: unknown, done: (error?: Error) => void) => {
      for (const name in request.query as Record<string, unknown>) {
        if (names.has(name)) continue
        done(unknownParameter(name, known))
        return
      }
      done()
    }
    route.onRequest = [...[route.onRequest ?? []].flat(), hook]
  })
}

function unknownParameter(name: string, known: readonly string[]): Problem {
  const shown = safeName(name)
  const nearest = nearestOf(name, known)
  const hint =
    known.length === 0
      ? 'this request takes none'
      : nearest === undefined
        ? `known are ${known.join(', ')}`
        : `did you mean ${nearest}?`
  return new Problem('MALFORMED_REQUEST', `query: unknown parameter ${shown}, ${hint}`, {
    members: { param: shown },
  })
}

const LONGEST_COMPARED = 64

/** The known name that is at most a third of its letters away, whatever its case and separators. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_COMPARED) return undefined
  const wanted = lettersOf(name)
  let nearest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const one of known) {
    const letters = lettersOf(one)
    const distance = distanceOf(wanted, letters)
    if (distance < least && distance <= letters.length / 3) {
      nearest = one
      least = distance
    }
  }
  return nearest
}

function lettersOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

/** How many letters must be added, removed or replaced (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
