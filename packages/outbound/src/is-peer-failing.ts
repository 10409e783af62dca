import type { CallKey } from './call-key.ts'
import type { Counts } from './failure-window.ts'

/** What is known of one tenant and destination of a peer. */
export interface PeerPart {
  key: CallKey
  /** Whether its own circuit lets calls through. */
  isClosed: boolean
  /** Its calls of late. */
  counts: Readonly<Counts>
}

/** Fewer parts that fail are the faults of these parts. */
const LEAST_FAILING = 3

/**
 * Whether the peer itself fails and not some of what is behind it: three parts at least, and more
 * than half of all parts, of the tenants and of the destinations that were called lately.
 */
export function isPeerFailing(parts: readonly PeerPart[], threshold: number): boolean {
  const active = parts.filter(({ isClosed, counts }) => !isClosed || counts.calls > 0)
  const failing = active.filter(
    ({ isClosed, counts }) => !isClosed || counts.failures > threshold * counts.calls,
  )
  return (
    failing.length >= LEAST_FAILING &&
    failing.length > active.length / 2 &&
    mostFail(active, failing, ({ tenant }) => tenant) &&
    mostFail(active, failing, ({ destination }) => destination)
  )
}

/** Whether more than half of the groups fail: those of whose parts more than half fail. */
function mostFail(
  active: readonly PeerPart[],
  failing: readonly PeerPart[],
  groupOf: (key: CallKey) => string,
): boolean {
  const all = countBy(active, groupOf)
  const bad = countBy(failing, groupOf)
  const badGroups = [...all].filter(([group, parts]) => (bad.get(group) ?? 0) > parts / 2)
  return badGroups.length > all.size / 2
}

function countBy(
  parts: readonly PeerPart[],
  groupOf: (key: CallKey) => string,
): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { key } of parts) counts.set(groupOf(key), (counts.get(groupOf(key)) ?? 0) + 1)
  return counts
}
