import type { Channel } from '../domain/notification.ts'

/** Fewer notifications than this share of the places are not worth a claim. */
export const WORTHWHILE_SHARE = 1 / 8

/**
 * How many notifications may begin, of `places` for each peer. Which push services a notification
 * needs is known only after its lookup, so it is counted for both, and the fuller one decides.
 * While that one is full, an eighth of the places serves the other: a notification for the full one
 * is refused after its lookup and retried later.
 */
export function lookupRoom(free: Record<'lookup' | Channel, number>, places: number): number {
  const worthwhile = Math.ceil(places * WORTHWHILE_SHARE)
  const fuller = Math.min(free.fcm, free.apns)
  const emptier = Math.max(free.fcm, free.apns)
  const underWay = places - free.lookup
  const room = Math.min(emptier, Math.max(fuller, worthwhile)) - underWay
  return room < worthwhile ? 0 : room
}
