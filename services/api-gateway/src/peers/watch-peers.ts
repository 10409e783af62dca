import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'

/** What went wrong with a request to a peer, for the log and the metric. */
export interface PeerFailure {
  code: string
  err?: Error
  [member: string]: unknown
}

export interface PeerWatch {
  /** A request was not answered, or with a status of 500 and above. */
  failed(peer: string, failure: PeerFailure): void
  answered(peer: string): void
}

interface Incident {
  sinceMs: number
  lastMs: number
  loggedMs: number
  requests: number
}

/** A peer that did not fail for so long has recovered. */
const RECOVERED_AFTER_MS = 5_000
/** While a peer fails, its line is repeated with the count of failed requests. */
const REPEAT_MS = 30_000

/**
 * Counts failed requests by peer, and logs one line when a peer begins to fail, one every half
 * minute while it fails, and one when it answers again.
 */
export function watchPeers(options: {
  logger: Logger
  metrics: Metrics
  now?: () => number
}): PeerWatch {
  const { logger, metrics, now = () => performance.now() } = options
  const faults = metrics.counter(
    'gateway_peer_faults_total',
    'Requests that a service behind the gateway did not answer, or answered with 5xx.',
    ['peer', 'code'],
  )
  const incidents = new Map<string, Incident>()
  return {
    failed(peer, failure) {
      faults.inc({ peer, code: failure.code })
      const nowMs = now()
      const known = incidents.get(peer)
      if (known === undefined) {
        incidents.set(peer, { sinceMs: nowMs, lastMs: nowMs, loggedMs: nowMs, requests: 1 })
        logger.warn({ peer, ...failure }, 'a service behind the gateway fails')
        return
      }
      known.requests += 1
      known.lastMs = nowMs
      if (nowMs - known.loggedMs < REPEAT_MS) return
      known.loggedMs = nowMs
      logger.warn(
        { peer, ...failure, failed_requests: known.requests },
        'a service behind the gateway still fails',
      )
    },
    answered(peer) {
      const known = incidents.get(peer)
      if (known === undefined || now() - known.lastMs < RECOVERED_AFTER_MS) return
      incidents.delete(peer)
      const seconds = Math.round((known.lastMs - known.sinceMs) / 1_000)
      logger.info(
        { peer, failed_requests: known.requests, seconds },
        'a service behind the gateway answers again',
      )
    },
  }
}
