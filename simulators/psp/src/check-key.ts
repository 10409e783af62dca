import { isUuid } from '@caudal/contracts/ids.ts'
import { Problem } from '@caudal/http/problem.ts'

/**
 * Checks that the idempotency key is the id of what it is for. The key of another stored operation
 * is a mismatch, since it was used for another request; any other key is invalid.
 *
 * @throws {Problem}
 */
export async function checkKey(
  header: string | string[] | undefined,
  expected: { id: string; member: string; isKnown: (key: string) => Promise<boolean> },
): Promise<void> {
  if (header === undefined || header === '') throw new Problem('IDEMPOTENCY_KEY_REQUIRED')
  const key = String(header).toLowerCase()
  if (key === expected.id) return
  if (isUuid(key) && (await expected.isKnown(key))) throw new Problem('IDEMPOTENCY_MISMATCH')
  throw new Problem(
    'INVALID_IDEMPOTENCY_KEY',
    `The idempotency key must equal ${expected.member} in the body.`,
  )
}
