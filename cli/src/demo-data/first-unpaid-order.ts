import { DEFAULT_TENANT } from '@caudal/contracts/tenant.ts'
import type { System } from '../system/find-system.ts'
import { callOk } from '../system/http-client.ts'
import { bearer } from '../system/tokens.ts'

/** Finds the user's next unpaid order; undefined if all are paid. */
export async function firstUnpaidOrder(
  system: System,
  token: string,
  userId: string,
): Promise<string | undefined> {
  const query = `status=UNPAID&limit=1&tenant_id=${DEFAULT_TENANT}`
  const { data } = await callOk<{ data: { external_order_id: string }[] }>(
    `${system.serviceUrl('orders')}/v1/users/${userId}/orders?${query}`,
    { headers: bearer(token) },
  )
  return data[0]?.external_order_id
}
