import { callOk } from '../system/http-client.ts'

/** A charge: money that moved at the PSP. */
export type Charge = { payment_id: string; amount: string; currency: string; at: Date }

/** How many different messages devices received for a payment. */
export type MessageCount = { payment_id: string; messages: number; last_at: Date }

/** The totals of a simulator's books for all payments up to an id. */
export type Totals = { rows: string; minor: string; hash: string }

type Page<T> = { data: T[]; has_more: boolean; next_cursor: string | null }

/** Reads a list of a simulator page by page. */
async function* pages<T>(url: string): AsyncGenerator<T[]> {
  let cursor: string | null = null
  do {
    const query = `limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
    const page: Page<T> = await callOk<Page<T>>(`${url}&${query}`)
    if (page.data.length > 0) yield page.data
    cursor = page.next_cursor
  } while (cursor)
}

/** The PSP's charges of payments after an id, in the order of the ids. */
export async function* chargePages(pspUrl: string, after: string): AsyncGenerator<Charge[]> {
  for await (const page of pages<Charge & { at: string }>(
    `${pspUrl}/admin/charges?after=${after}`,
  )) {
    yield page.map((charge) => ({ ...charge, at: new Date(charge.at) }))
  }
}

/** The numbers of messages of payments after an id, in the order of the ids. */
export async function* messagePages(
  pushUrl: string,
  after: string,
): AsyncGenerator<MessageCount[]> {
  type Item = Omit<MessageCount, 'last_at'> & { last_at: string }
  for await (const page of pages<Item>(`${pushUrl}/admin/message-counts?after=${after}`)) {
    yield page.map((count) => ({ ...count, last_at: new Date(count.last_at) }))
  }
}

/** The total of the PSP's charges of payments up to an id. */
export function chargeTotals(pspUrl: string, to: string): Promise<Totals> {
  return callOk<Totals>(`${pspUrl}/admin/charge-totals?to=${to}`)
}

/** The total of the messages about payments up to an id. */
export function messageTotals(pushUrl: string, to: string): Promise<Totals> {
  return callOk<Totals>(`${pushUrl}/admin/message-totals?to=${to}`)
}
