import assert from 'node:assert/strict'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { call } from './call.ts'
import type { CallbackWorld, PspFact } from './callback-world.ts'
import { fundsReserved, type RefundResult } from './world.ts'

export const typesOf = (events: readonly { event_type: string }[]): string[] =>
  events.map(({ event_type: type }) => type)
export const statesOf = (facts: readonly { state: string }[]): string[] =>
  facts.map(({ state }) => state)

/** What the stories of callbacks do and wait for. */
export function storiesOf(it: CallbackWorld) {
  async function listed(what: string, { payment_id: id }: FundsReserved) {
    const { json } = await call(`${it.pspUrl}/admin/${what}?payment_id=${id}`)
    return json()['data'] as Record<string, unknown>[]
  }
  return {
    /** What moved at the PSP for the payment. */
    listed,
    /** Waits for the only event of the type about the id. */
    fact<T extends PspFact['event_type']>(id: string, type: T) {
      return eventually(async () => {
        const found = (await it.facts(id)).filter((event) => event.event_type === type)
        assert.equal(found.length, 1, JSON.stringify(found))
        return found[0] as Extract<PspFact, { event_type: T }>
      })
    },
    /** Waits for the end of the refund. */
    refunded: (refund: RefundRequested, end = /succeeded|failed|reversed/) =>
      eventually(async (): Promise<RefundResult[]> => {
        const events = await it.refundResults(refund.refund_id)
        assert.match(events.at(-1)?.event_type ?? '', end)
        return events
      }),
    /** The PSP's id of a payment that it charged. */
    async transactionOf(payment: FundsReserved): Promise<string> {
      const [charge] = await listed('charges', payment)
      assert.ok(charge)
      return String(charge['gateway_transaction_id'])
    },
    async behaveFor(operation: string, behaviour: string): Promise<void> {
      const body = { default: 'approve', by_operation: { [operation]: behaviour } }
      const { status } = await call(`${it.pspUrl}/admin/behaviour`, { method: 'PUT', body })
      assert.equal(status, 200)
    },
    /** Reserves a payment and waits until its first attempt is SENDING. */
    async sending(account: string): Promise<FundsReserved> {
      const event = fundsReserved(account)
      await it.reserve([event])
      await eventually(async () => (await it.requests(event.payment_id)) === 1)
      return event
    },
  }
}
