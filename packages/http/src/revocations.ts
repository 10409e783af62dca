import { hash } from 'node:crypto'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import { shareInFlight } from '@caudal/retry/share-in-flight.ts'
import { request } from 'undici'
import { directDispatcher } from './direct-dispatcher.ts'
import type { Identity } from './token-profile.ts'

/** What an issuer publishes of the subjects whose tokens are withdrawn, and of its keys. */
export interface Revocations {
  /** Whether a token of this subject, issued then (seconds), is withdrawn. */
  isRevoked(identity: Identity, issuedAtSeconds: number): boolean
  /** Changes when something was withdrawn: what was decided before is decided again. */
  readonly version: number
  /** Changes when the issuer's keys did, once those of now are there. */
  readonly keysVersion: number
  /** Resolves once the list is not older than a few seconds, if its issuer can be reached. */
  refresh(): Promise<void>
  /** Whether `refresh` has to be awaited. */
  isStale(): boolean
}

interface Published {
  revoked: { subject: string; revoked_at: number }[]
  keys: string[]
}

/** A subject is refused at most this much and one request later than it was withdrawn. */
const REFRESH_MS = 2_000
/** Without requests for so long the list is not fetched; the next request waits for it. */
const IDLE_MS = 30_000
const TIMEOUT_MS = 1_000

/** The name of a subject in a list that everybody may read. */
export function revokedName(kind: Identity['kind'], tenantId: string, subject: string): string {
  return hash('sha256', `${kind}\n${tenantId}\n${subject}`, 'base64url')
}

/**
 * Follows the list at `url` while there are requests: a fetch every two seconds, in the background.
 * A list that cannot be fetched stays as it was, since a payment must not depend on it. Its keys
 * are those that are published now; `onKeysChanged` runs when they change.
 */
export function followRevocations(
  url: string,
  { now, onKeysChanged }: { now: () => number; onKeysChanged: () => Promise<unknown> },
): Revocations {
  let revoked = new Map<string, number>()
  let keys: string | undefined
  let version = 0
  let keysVersion = 0
  let askedAtMs = -Infinity
  let usedAtMs = -Infinity
  let following: PeriodicWork | undefined

  const take = async (published: Published): Promise<void> => {
    const fresh = new Map(published.revoked.map((one) => [one.subject, one.revoked_at]))
    if ([...fresh].some(([subject, at]) => revoked.get(subject) !== at)) version += 1
    revoked = fresh
    const publishedKeys = published.keys.toSorted().join(' ')
    if (keys !== undefined && keys !== publishedKeys) {
      await onKeysChanged()
      keysVersion += 1
    }
    keys = publishedKeys
  }
  const ask = shareInFlight(async () => {
    askedAtMs = now()
    try {
      const published = await fetchList(url)
      if (published !== undefined) await take(published)
    } catch {
      // The list stays as it was. The issuer's readiness and the next fetch of keys show the fault.
    }
  })
  const askWhileUsed = async (): Promise<'done' | void> => {
    await ask()
    if (now() - usedAtMs <= IDLE_MS) return
    following = undefined
    return 'done'
  }
  const refresh = (): Promise<void> => {
    const asked = ask()
    following ??= runPeriodically({ pauseMs: REFRESH_MS, work: askWhileUsed, onFault: () => {} })
    return asked
  }
  return {
    get version() {
      return version
    },
    get keysVersion() {
      return keysVersion
    },
    isRevoked({ kind, tenantId, subject }, issuedAtSeconds) {
      if (revoked.size === 0) return false
      const at = revoked.get(revokedName(kind, tenantId, subject))
      return at !== undefined && issuedAtSeconds <= at
    },
    isStale() {
      usedAtMs = now()
      return usedAtMs - askedAtMs > REFRESH_MS * 2
    },
    refresh,
  }
}

/** Undefined where the issuer has no such list: another server, or a release before. */
async function fetchList(url: string): Promise<Published | undefined> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const { statusCode, body } = await request(url, { signal, dispatcher: directDispatcher })
  const text = await body.text()
  return statusCode === 200 ? (JSON.parse(text) as Published) : undefined
}
