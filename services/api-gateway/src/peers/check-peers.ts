import type { CheckResult } from '@caudal/http/health-routes.ts'
import type { Peer } from './create-peer.ts'
import type { PeerAnswer } from './exchange.ts'

type Checks = Record<string, CheckResult>

/** The route is public: callers cannot make the gateway ask its peers more often. */
const VALID_MS = 1_000

/**
 * Asks each peer whether it is ready. One that is not is a warning: the other peers can be reached
 * through this gateway, and another gateway would have the same peer.
 */
export function checkPeers(peers: Iterable<Peer>): () => Promise<Checks> {
  const all = [...peers]
  let last: { atMs: number; checks: Promise<Checks> } | undefined
  return () => {
    const nowMs = performance.now()
    if (last === undefined || nowMs - last.atMs >= VALID_MS) {
      last = { atMs: nowMs, checks: checkAll(all) }
    }
    return last.checks
  }
}

async function checkAll(peers: readonly Peer[]): Promise<Checks> {
  const checks = await Promise.all(
    peers.map(async (peer): Promise<[string, CheckResult]> => [peer.name, await check(peer)]),
  )
  return Object.fromEntries(checks)
}

async function check(peer: Peer): Promise<CheckResult> {
  const answer = await peer.ready().catch(() => undefined)
  if (answer === undefined) return { status: 'warn', detail: 'does not answer' }
  if (answer.status < 500) return { status: 'ok' }
  const failing = failingChecks(answer)
  return { status: 'warn', detail: failing === '' ? 'is not ready' : `is not ready: ${failing}` }
}

/** The names of the checks that fail, such as `database`. */
function failingChecks({ body }: PeerAnswer): string {
  try {
    const { checks } = JSON.parse(body.toString()) as { checks: Record<string, CheckResult> }
    const failing = Object.entries(checks).filter(([, { status }]) => status === 'fail')
    return failing.map(([name]) => name).join(', ')
  } catch {
    return ''
  }
}
