import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { DemoWorld } from '../world/demo-world.ts'

/**
 * What a newcomer reads after the first start: one line to paste, and how to watch it. Commands
 * name a data directory that is not the default one, since they find the system by it.
 */
export function welcome(
  { gatewayUrl, dataDir }: { gatewayUrl: string; dataDir: string },
  { userId, token, orderId }: DemoWorld,
): string {
  const where = dataDir === resolve('.caudal') ? '' : ` --data '${dataDir}'`
  const payments = `${gatewayUrl}/api/v1/payments`
  const authorization = `-H 'authorization: Bearer ${token}'`
  const pay = [
    `curl -sS -X POST ${payments} ${authorization}`,
    `-H 'idempotency-key: ${randomUUID()}'`,
    "-H 'content-type: application/json'",
    `-d '{"external_order_id":"${orderId}"}'`,
  ].join(' ')
  return `
Caudal is ready. The gateway is ${gatewayUrl}

Make a payment:

${pay}

See its state:

curl -sS '${payments}?limit=1' ${authorization}

Watch it, or pay and follow another order of the same user:

npx caudal payment <payment_id>${where}
npx caudal pay --user ${userId}${where}

Ctrl-C stops everything; the data stays.
`
}
