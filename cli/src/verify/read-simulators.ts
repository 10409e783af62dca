import { callOk } from '../system/http-client.ts'
import type { Bank, Moved } from './came-back/rows.ts'

/** A charge: money that moved at a PSP. */
export type Charge = { bank: Bank; payment_id: string; amount: string; currency: string; at: Date }

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

/** A bank's charges of payments after an id, in the order of the ids. */
export async function* chargePages(
  bank: Bank,
  url: string,
  after: string,
): AsyncGenerator<Charge[]> {
  type Item = Omit<Charge, 'bank' | 'at'> & { at: string }
  for await (const page of pages<Item>(`${url}/admin/charges?after=${after}`)) {
    yield page.map((charge) => ({ ...charge, bank, at: new Date(charge.at) }))
  }
}

/** All money that came back at a bank, in the order of the payments' ids. */
export async function* returnedMoneyPages(bank: Bank, url: string): AsyncGenerator<Moved[]> {
  type Item = Omit<Moved, 'bank' | 'at'> & { at: string }
  for await (const page of pages<Item>(`${url}/admin/returned-money?`)) {
    yield page.map((moved) => ({ ...moved, bank, at: new Date(moved.at) }))
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

/** The total of a bank's charges of payments up to an id. */
export function chargeTotals(url: string, to: string): Promise<Totals> {
  return callOk<Totals>(`${url}/admin/charge-totals?to=${to}`)
}

/** The total of the messages about payments up to an id. */
export function messageTotals(pushUrl: string, to: string): Promise<Totals> {
  return callOk<Totals>(`${pushUrl}/admin/message-totals?to=${to}`)
}
