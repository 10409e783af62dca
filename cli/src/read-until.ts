import { setTimeout as delay } from 'node:timers/promises'
import { UnreachableError } from './errors.ts'

const POLL_MS = 50

/**
 * Reads something again and again until it is over or `waitMs` have passed, and returns what was
 * read last. What is followed goes on during an outage, and so does the reading.
 *
 * @throws {UnreachableError} if it cannot be read when the time is over
 */
export async function readUntil<T>(
  read: () => Promise<T>,
  { isOver, waitMs }: { isOver: (seen: T) => boolean; waitMs: number },
): Promise<T> {
  for (const deadline = Date.now() + waitMs; ; await delay(POLL_MS)) {
    try {
      const seen = await read()
      if (isOver(seen) || Date.now() > deadline) return seen
    } catch (error) {
      if (!(error instanceof UnreachableError) || Date.now() > deadline) throw error
    }
  }
}
