import { SCOPES, type Scope } from '@caudal/contracts/scopes.ts'

/** A route of a service that asks for a scope, or for one of several. */
export interface ScopedRoute {
  service: string
  method: string
  /** As in the OpenAPI document: `/v1/accounts/{account_id}`. */
  path: string
  scopes: Scope[]
}

/** The part of an OpenAPI document that names the scope of an operation. */
export interface OpenApiSecurity {
  paths: Record<string, Record<string, { security?: Record<string, string[]>[] }>>
}

const INTRODUCTION = `# Scopes

Generated from \`packages/contracts/src/scopes.ts\` and from the running services by
\`CAUDAL_UPDATE_REFERENCE=1 npm test -- tests/scopes\`. The same test fails when the page is out of
date, and sends a request with and without the scope to each route.

A token carries its scopes in the claim \`scope\`, with one space between them. Without the scope of
a route a caller gets 403 \`FORBIDDEN\`, and so does a holder that may not have it. A scope includes
the narrower ones that its row names. Of several scopes of a route one is enough to call it: a batch
is admitted with any scope of a command, and each of its commands needs the one of its own kind.
`

/** The routes of a service that ask for a scope, by path and method; throws on an unknown scope. */
export function scopedRoutesOf(service: string, document: OpenApiSecurity): ScopedRoute[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { security = [] }]) => {
      if (security.length === 0) return []
      const scopes = security.map((requirement) => {
        const [scope] = Object.values(requirement).flat()
        const about = `${service}: ${method} ${path}`
        if (scope === undefined || !(scope in SCOPES)) throw new Error(`${about} has no scope`)
        return scope as Scope
      })
      return [{ service, method: method.toUpperCase(), path, scopes }]
    }),
  )
}

/** `docs/reference/scopes.md`: every scope, and every route with the scope that it asks for. */
export function scopesPage(routes: readonly ScopedRoute[]): string {
  const scopes = Object.entries(SCOPES).map(([scope, row]) => {
    const means = 'means' in row ? row.means.map(code).join(', ') : '–'
    return `| ${code(scope)} | ${row.allows} | ${row.holders.join(', ')} | ${means} |`
  })
  const lines = routes.map(
    ({ service, method, path, scopes: asked }) =>
      `| ${service} | ${code(`${method} ${path}`)} | ${asked.map(code).join(' or ')} |`,
  )
  return [
    INTRODUCTION,
    '## List\n',
    '| Scope | Allows to | Holders | Includes |',
    '|---|---|---|---|',
    ...scopes,
    '\n## Routes\n',
    '| Service | Route | Scope |',
    '|---|---|---|',
    ...lines.toSorted(),
    '',
  ].join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}
