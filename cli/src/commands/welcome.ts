import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { DemoUser } from '../demo-data/demo-user.ts'

/**
 * The text after a start: a command that makes a payment, and commands that show it. They name the
 * data directory if it is not the default one, because commands find the system by it.
 */
export function welcome(
  { gatewayUrl, dataDir }: { gatewayUrl: string; dataDir: string },
  { userId, token, orderId }: DemoUser,
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

See its status:

curl -sS '${payments}?limit=1' ${authorization}

Show all its steps, or pay and follow another order of the same user:

npx caudal payment <payment_id>${where}
npx caudal pay --user ${userId}${where}

Ctrl-C stops everything; the data is kept.
`
}

/** The text after a start without development login, which the demo user needs. */
export function welcomeWithoutLogin(gatewayUrl: string): string {
  return `
Caudal is ready. The gateway is ${gatewayUrl}

Development login is off, so there is no demo user, and the commands cannot act as a user.

Ctrl-C stops everything; the data is kept.
`
}
