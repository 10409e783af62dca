import { PROBLEM_CONTENT_TYPE, Problem, renderProblem } from '@caudal/http/problem.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import { parseTraceparent, newTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import { type Adapter, errors, type default as Provider } from 'oidc-provider'

const CODE = 'temporarily_unavailable'
const DETAIL = 'the token could not be checked or made for now; try again'

/**
 * The storage of a model whose passing faults are OAuth's `temporarily_unavailable`. Without it the
 * provider answers every fault with 500.
 */
export function withKnownFaults(adapter: Adapter): Adapter {
  const guarded: Adapter = { ...adapter }
  for (const [name, method] of Object.entries(adapter) as [keyof Adapter, Method][]) {
    const guard: Method = (...values) => method(...values).catch(throwUnavailable)
    Object.assign(guarded, { [name]: guard })
  }
  return guarded
}

type Method = (...values: unknown[]) => Promise<unknown>

/** @throws the OAuth error if the fault may pass, otherwise the fault */
export function throwUnavailable(cause: unknown): never {
  if (!isRetryable(cause)) throw cause
  const unavailable = new errors.TemporarilyUnavailable(DETAIL)
  throw Object.assign(unavailable, { statusCode: 503, status: 503, cause })
}

/**
 * Answers such a fault with a problem document, as every service does. OAuth's own members are in
 * it too (RFC 6749, 5.2), for clients that know only those.
 */
export function answerFaults(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.status !== 503 || (ctx.body as { error?: unknown } | null)?.error !== CODE) return
    const header = ctx.res.getHeader('traceparent')
    const known = typeof header === 'string' ? parseTraceparent(header) : null
    const members = { error: CODE, error_description: DETAIL }
    const problem = new Problem('UNAVAILABLE', DETAIL, { members })
    const { headers, body } = renderProblem(problem, traceIdOf(known ?? newTraceparent()))
    ctx.body = Buffer.from(body)
    ctx.set({ ...headers, 'content-type': PROBLEM_CONTENT_TYPE })
  })
}
