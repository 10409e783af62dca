import type { System } from '../system/find-system.ts'
import { callOk } from '../system/http-client.ts'
import type { Charge } from './check.ts'

type Page<T> = { data: T[]; has_more: boolean; next_cursor: string | null }

/** Reads a list of a simulator page by page. */
async function* pages<T>(url: string): AsyncGenerator<T[]> {
  let cursor: string | null = null
  do {
    const query = `limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
    const page: Page<T> = await callOk<Page<T>>(`${url}?${query}`)
    yield page.data
    cursor = page.next_cursor
  } while (cursor)
}

/** Reads all charges of the PSP, by payment. */
export async function readCharges(system: System): Promise<Map<string, Charge[]>> {
  const charges = new Map<string, Charge[]>()
  for await (const page of pages<Charge>(`${system.pspUrl}/admin/charges`)) {
    for (const charge of page) {
      const known = charges.get(charge.payment_id)
      if (known) known.push(charge)
      else charges.set(charge.payment_id, [charge])
    }
  }
  return charges
}

type Message = { message_id: string; payment_id: string | null }

/** Reads the distinct ids of the messages that devices received, by payment. */
export async function readMessages(system: System): Promise<Map<string, Set<string>>> {
  const messages = new Map<string, Set<string>>()
  for await (const page of pages<Message>(`${system.pushUrl}/admin/messages`)) {
    for (const { message_id: id, payment_id: paymentId } of page) {
      if (!paymentId) continue
      const known = messages.get(paymentId)
      if (known) known.add(id)
      else messages.set(paymentId, new Set([id]))
    }
  }
  return messages
}
