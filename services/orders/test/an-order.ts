import { newId } from '@caudal/contracts/ids.ts'

/** An order as a caller describes it; `extra` replaces members. */
export function anOrder(userId: string, extra: Record<string, unknown> = {}) {
  return {
    external_order_id: newId(),
    user_id: userId,
    amount: '10.00',
    currency: 'USD',
    service_name: 'Electricity',
    service_account_number: '0011223344',
    service_bank_code: 'BANK01',
    ...extra,
  }
}

export type Order = ReturnType<typeof anOrder>
