import assert from 'node:assert/strict'

/** The part of an OpenAPI document that describes problems. */
export interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
}

/** Refusals before there is a route. */
const OF_NO_ROUTE = new Set(['ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED'])

/** Asserts that the document describes a problem that a route has answered. */
export function assertDescribed(
  { paths }: OpenApi,
  asked: { method: string; path: string },
  problem: { status: number; code: string },
): void {
  if (OF_NO_ROUTE.has(problem.code)) return
  const { pathname } = new URL(asked.path, 'http://wallets')
  const template = Object.keys(paths).find((path) => patternOf(path).test(pathname))
  const answers = template && paths[template]?.[asked.method.toLowerCase()]?.responses
  if (!answers) return
  const described = JSON.stringify(answers[String(problem.status)] ?? {})
  const answer = `${asked.method} ${template} answers ${problem.status} ${problem.code}`
  assert.ok(
    described.includes(`"${problem.code}"`),
    `${answer}, which /openapi.json does not describe`,
  )
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
}
