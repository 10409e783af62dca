import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { clientToken } from 'caudal/system/tokens.ts'
import { request } from 'undici'
import type { SeededUser } from './user-client.ts'

/** An answer that is neither a success nor a refusal: what, and how. */
export type Failure = { route: string; status: number; contentType: string; text: string }

/** Requests that run in the background. */
export type Probes = {
  /** Every answer of 500 and above so far, and status 0 where there was no answer. */
  failures(): readonly Failure[]
  /** Ends the requests; resolves when the last one is answered. */
  stop(): Promise<void>
}

type Route = {
  name: string
  url: string
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

const PAUSE_MS = 20
const SCOPES = [SCOPE.paymentsRead, SCOPE.traceRead, SCOPE.ordersRead, SCOPE.usersRead].join(' ')

/** Calls a reading route of each service, and `/token`, again and again. */
export async function probeRoutes(dataDir: string, user: SeededUser): Promise<Probes> {
  const routes = await routesOf(dataDir, user)
  const failures: Failure[] = []
  let stopped = false
  const probe = async ({ name, url, method = 'GET', headers = {}, body }: Route): Promise<void> => {
    for (; !stopped; await delay(PAUSE_MS)) {
      const answer = await request(url, { method, headers, body: body ?? null })
      const text = await answer.body.text()
      if (answer.statusCode < 500) continue
      const contentType = String(answer.headers['content-type'])
      failures.push({ route: name, status: answer.statusCode, contentType, text })
    }
  }
  const running = Promise.all(routes.map(probe))
  running.catch(() => {}) // thrown by stop()
  return {
    failures: () => failures,
    async stop() {
      stopped = true
      await running
    },
  }
}

async function routesOf(dataDir: string, user: SeededUser): Promise<Route[]> {
  const system = await findSystem({ dataDir, url: undefined })
  const { token } = await clientToken(system, SCOPES)
  const asUser = { authorization: `Bearer ${user.token}` }
  const asClient = { authorization: `Bearer ${token}` }
  const api = `${system.gatewayUrl}/api/v1`
  const steps = `/internal/payments/${randomUUID()}/steps`
  const { id, secret } = system.client
  const basic = Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')
  const tokenRoute = (name: string, form: Record<string, string>): Route => ({
    name,
    url: `${system.serviceUrl('identity')}/token`,
    method: 'POST',
    headers: {
      authorization: `Basic ${basic}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  })
  return [
    { name: 'payments', url: `${api}/payments?limit=5`, headers: asUser },
    { name: 'payment', url: `${api}/payments/${randomUUID()}`, headers: asUser },
    { name: 'wallet', url: `${api}/wallet`, headers: asUser },
    {
      name: 'entries',
      url: `${api}/wallet/entries?account_id=${user.account_id}`,
      headers: asUser,
    },
    {
      name: 'orders',
      url: `${system.serviceUrl('orders')}/v1/users/${user.user_id}/orders?limit=5`,
      headers: asClient,
    },
    tokenRoute('token', {
      grant_type: 'urn:caudal:params:oauth:grant-type:development-login',
      user_id: user.user_id,
      tenant_id: 'caudal',
    }),
    tokenRoute('client token', { grant_type: 'client_credentials', scope: SCOPE.paymentsRead }),
    ...['payments', 'wallets', 'processor', 'notifications'].map((service) => ({
      name: `steps of ${service}`,
      url: `${system.serviceUrl(service)}${steps}`,
      headers: asClient,
    })),
    { name: 'charges', url: `${system.pspUrl}/admin/charges?limit=1` },
    { name: 'messages', url: `${system.pushUrl}/admin/messages?limit=1` },
  ]
}
