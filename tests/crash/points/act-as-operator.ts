import { SCOPE } from '@caudal/contracts/scopes.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { callOk } from 'caudal/system/http-client.ts'
import { bearer, clientToken } from 'caudal/system/tokens.ts'
import type { SeededUser } from '../../support/user-client.ts'

const OF_A_TENANT = `${SCOPE.ledgerAdmin} ${SCOPE.ledgerWrite}`
const OF_EVERY_TENANT = [
  SCOPE.tenantsAny,
  SCOPE.pspsWrite,
  SCOPE.callbacksRead,
  SCOPE.callbacksWrite,
].join(' ')

/** What commits too: another account of the user, a hold that expires, a PSP, a callback. */
export async function actAsOperator(
  dataDir: string,
  { user_id: userId, account_id: accountId, orders: [order] }: SeededUser,
): Promise<void> {
  const system = await findSystem({ dataDir, url: undefined })
  const tokenFor = async (scopes: string) => bearer((await clientToken(system, scopes)).token)
  const wallets = system.serviceUrl('wallets')
  const ofTenant = { headers: await tokenFor(OF_A_TENANT) }
  await callOk(`${wallets}/v1/accounts`, {
    ...ofTenant,
    body: { user_id: userId, currency: 'GBP' },
  })
  const hold = {
    command: 'hold',
    idempotency_key: `hold-${accountId}`,
    account_id: accountId,
    amount: { minor_units: 1, currency: order!.currency },
    reason: 'test',
    reference_id: `hold-${accountId}`,
    expires_in_seconds: 1,
  }
  await callOk(`${wallets}/v1/batch`, { ...ofTenant, body: { commands: [hold] } })
  const processor = system.serviceUrl('processor')
  const headers = await tokenFor(OF_EVERY_TENANT)
  const enabled = { state: 'enabled', reason: 'as it was' }
  await callOk(`${processor}/v1/psps/main/state`, { method: 'PUT', headers, body: enabled })
  await reprocessLastCallback({ processor, headers })
}

async function reprocessLastCallback({
  processor,
  headers,
}: {
  processor: string
  headers: ReturnType<typeof bearer>
}): Promise<void> {
  const url = `${processor}/v1/callbacks`
  const { data } = await callOk<{ data: { callback_id: string }[] }>(`${url}?limit=1`, { headers })
  for (const { callback_id: id } of data) {
    await callOk(`${url}/${id}/reprocess`, { method: 'POST', headers })
  }
}
