import type { Tx } from '@caudal/postgres/types.ts'
import { isoTime } from './psp-payment-row.ts'

/** An attempt about to be sent: SENDING from now on (rule 9). */
export type BegunAttempt = { paymentId: string; number: number; deadlineAt: number }

const BEGIN_ATTEMPTS = `
  INSERT INTO attempts (payment_id, number, status, deadline_at)
  SELECT payment_id, number, 'SENDING', deadline_at
  FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS b(payment_id, number, deadline_at)`

/** Records further attempts. The primary key rejects a second attempt with the same number. */
export async function beginAttempts(tx: Tx, attempts: readonly BegunAttempt[]): Promise<void> {
  if (attempts.length === 0) return
  await tx.query({
    name: 'begin-attempts',
    text: BEGIN_ATTEMPTS,
    values: [
      attempts.map((it) => it.paymentId),
      attempts.map((it) => it.number),
      attempts.map((it) => isoTime(it.deadlineAt)),
    ],
  })
}
