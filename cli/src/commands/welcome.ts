import { randomUUID } from 'node:crypto'
import type { DemoWorld } from '../world/demo-world.ts'

/** What a newcomer reads after the first start: one line to paste, and how to watch it. */
export function welcome(gatewayUrl: string, { userId, token, orderId }: DemoWorld): string {
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

npx caudal payment <payment_id>
npx caudal pay --user ${userId}

Ctrl-C stops everything; the data stays.
`
}
