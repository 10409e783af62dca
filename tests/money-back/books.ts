import { parseAmount } from '@caudal/money/parse-amount.ts'
import { request } from 'undici'
import { connectAsAdmin } from '../support/database-server.ts'

/** What moved of each payment, in minor units: positive if it left to the payee. */
export type NetByPayment = Map<string, bigint>

type Moved = { payment_id: string; amount: string; currency: string; refund_id?: string | null }
type Page = { data: Moved[]; has_more: boolean; next_cursor: string | null }

/** What each list of a PSP's books is to the account from which it pays. */
const LISTS: readonly [string, (item: Moved) => bigint][] = [
  ['charges', () => 1n],
  ['refunds', () => -1n],
  ['voids', () => -1n],
  ['returns', () => -1n],
  // A reversed payment came back. A reversed refund is in no other list: nothing of it moved.
  ['reversals', ({ refund_id: refundId }) => (refundId ? 0n : -1n)],
]

/** The net of each payment by the books of a PSP, which only it writes. */
export async function netAtPsp(pspUrl: string): Promise<NetByPayment> {
  const net: NetByPayment = new Map()
  for (const [list, signOf] of LISTS) {
    for (const item of await readAll(`${pspUrl}/admin/${list}`)) {
      add(net, item.payment_id, signOf(item) * parseAmount(item.amount, item.currency))
    }
  }
  return net
}

/** The net of each payment on the settlement account of a PSP, by the entries of the ledger. */
export async function netInLedger(dataDir: string, psp: string): Promise<NetByPayment> {
  const wallets = await connectAsAdmin(dataDir, 'caudal_wallets')
  try {
    const { rows } = await wallets.query<{ payment_id: string | null; net: string }>(
      `SELECT t.payment_id, sum(e.amount_minor)::text AS net
       FROM entries e JOIN accounts a USING (account_id) JOIN transfers t USING (transfer_id)
       WHERE a.kind = 'psp_settlement' AND coalesce(a.psp, 'main') = $1
       GROUP BY t.payment_id`,
      [psp],
    )
    return new Map(rows.map((row) => [row.payment_id ?? 'unknown', BigInt(row.net)]))
  } finally {
    await wallets.end()
  }
}

/** One line for each payment whose two nets differ. */
export function differencesOf(atPsp: NetByPayment, inLedger: NetByPayment): string[] {
  const ids = new Set([...atPsp.keys(), ...inLedger.keys()])
  return [...ids].flatMap((id) => {
    const [there, here] = [atPsp.get(id) ?? 0n, inLedger.get(id) ?? 0n]
    return there === here ? [] : [`${id}: ${there} at the PSP, ${here} in the ledger`]
  })
}

function add(net: NetByPayment, id: string, minor: bigint): void {
  net.set(id, (net.get(id) ?? 0n) + minor)
}

async function readAll(url: string): Promise<Moved[]> {
  const all: Moved[] = []
  for (let cursor = ''; ;) {
    const { body } = await request(`${url}?limit=1000${cursor}`)
    const page = (await body.json()) as Page
    all.push(...page.data)
    if (!page.has_more) return all
    cursor = `&cursor=${encodeURIComponent(page.next_cursor!)}`
  }
}
