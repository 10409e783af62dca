import { setTimeout as delay } from 'node:timers/promises'
import type { SeededUser } from '../demo-data/seed-users.ts'
import type { System } from '../system/find-system.ts'
import { callOk } from '../system/http-client.ts'
import { paymentHasEnded, type PaymentResponse } from '../system/payments-api.ts'
import { bearer } from '../system/tokens.ts'
import { retryUntilResponse } from './retry-until-response.ts'

type Page<T> = { data: T[]; has_more: boolean; next_cursor: string | null }

const POLL_MS = 250
const PARALLEL = 8

/**
 * Reads all payments of the users through the gateway, by id. Repeats until each payment is final
 * or in doubt, or the time is over. Also repeats if the gateway is unavailable.
 */
export async function loadOutcomes(
  system: System,
  users: readonly SeededUser[],
  timeoutMs: number,
): Promise<Map<string, PaymentResponse>> {
  const payments = new Map<string, PaymentResponse>()
  let open = [...users]
  for (const deadline = Date.now() + timeoutMs; open.length > 0; await delay(POLL_MS)) {
    const stillOpen: SeededUser[] = []
    await inParallel(open, async (user) => {
      const own = await paymentsOf(system, user.token).catch(() => undefined)
      for (const payment of own ?? []) payments.set(payment.payment_id, payment)
      if (!own?.every(({ status }) => paymentHasEnded(status) || status === 'IN_DOUBT')) {
        stillOpen.push(user)
      }
    })
    open = stillOpen
    if (Date.now() > deadline) break
  }
  return payments
}

async function paymentsOf(system: System, token: string): Promise<PaymentResponse[]> {
  const payments: PaymentResponse[] = []
  let cursor: string | null = null
  do {
    const query = `limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
    const page: Page<PaymentResponse> = await callOk<Page<PaymentResponse>>(
      `${system.gatewayUrl}/api/v1/payments?${query}`,
      { headers: bearer(token) },
    )
    payments.push(...page.data)
    cursor = page.has_more ? page.next_cursor : null
  } while (cursor)
  return payments
}

/**
 * Counts the payments that the PSP charged more than once; undefined if its charges could not be
 * read in time.
 */
export async function countDuplicateCharges(
  system: System,
  timeoutMs: number,
): Promise<number | undefined> {
  return retryUntilResponse(() => countDuplicates(system), timeoutMs)
}

async function countDuplicates(system: System): Promise<number> {
  const charges = new Map<string, number>()
  let cursor: string | null = null
  do {
    const query = `limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
    const page: Page<{ payment_id: string }> = await callOk<Page<{ payment_id: string }>>(
      `${system.pspUrl}/admin/charges?${query}`,
    )
    for (const { payment_id: id } of page.data) charges.set(id, (charges.get(id) ?? 0) + 1)
    cursor = page.has_more ? page.next_cursor : null
  } while (cursor)
  return [...charges.values()].filter((count) => count > 1).length
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
}
