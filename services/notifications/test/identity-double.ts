import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { newId } from '@caudal/contracts/ids.ts'
import { startTestIssuer, type TestIssuer } from '@caudal/http/start-test-issuer.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'

type Platform = 'android' | 'ios'
type User = {
  tenantId: string
  userId: string
  locale: string
  devices: { device_id: string; platform: Platform; token: string }[]
}

/** The part of identity's HTTP contract that notifications uses. */
export type IdentityDouble = {
  url: string
  issuer: TestIssuer
  /** While down, every connection is cut. */
  down: boolean
  /** While it refuses, removals of devices are answered with 500. */
  refusesRemovals: boolean
  /** Tenants whose lookups are answered with 400. */
  refusedTenants: Set<string>
  /** Calls answered so far, by path. */
  calls: Map<string, number>
  addUser(devices: readonly Platform[], about?: { tenantId?: string; locale?: string }): User
  tokensOf(userId: string): string[]
}

const FORM = 'application/x-www-form-urlencoded'

/** Starts the double; it is gone when the scope ends. */
export async function startIdentityDouble(scope: TestScope): Promise<IdentityDouble> {
  const issuer = await startTestIssuer()
  const users = new Map<string, User>()
  const double: IdentityDouble = {
    url: '',
    issuer,
    down: false,
    refusesRemovals: false,
    refusedTenants: new Set(),
    calls: new Map(),
    addUser(devices, { tenantId = 'caudal', locale = 'en' } = {}) {
      const userId = newId()
      const user = {
        tenantId,
        userId,
        locale,
        devices: devices.map((platform) => ({
          device_id: newId(),
          platform,
          token: newId().replaceAll('-', '').repeat(2),
        })),
      }
      users.set(userId, user)
      return user
    },
    tokensOf: (userId) => users.get(userId)?.devices.map(({ token }) => token) ?? [],
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (double.down) return void request.socket.destroy()
    const path = request.url!
    double.calls.set(path, (double.calls.get(path) ?? 0) + 1)
    const { status = 200, body } = await answer(double, users, request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  double.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  scope.after(async () => {
    server.closeAllConnections()
    server.close()
    await issuer.stop()
  })
  return double
}

type Answer = { status?: number; body: unknown }

async function answer(
  { issuer, refusesRemovals, refusedTenants }: IdentityDouble,
  users: ReadonlyMap<string, User>,
  request: IncomingMessage,
): Promise<Answer> {
  if (request.url === '/jwks') return { body: await (await fetch(issuer.jwksUrl)).json() }
  const text = await read(request)
  if (request.url === '/token') {
    if (request.headers['content-type'] !== FORM) return { status: 400, body: {} }
    return { body: { access_token: 'a-service-token', expires_in: 300 } }
  }
  if (request.headers.authorization !== 'Bearer a-service-token') return { status: 401, body: {} }
  const body = JSON.parse(text) as { tenant_id: string; user_ids: string[]; tokens: string[] }
  const ofTenant = [...users.values()].filter(({ tenantId }) => tenantId === body.tenant_id)
  if (request.url === '/v1/users/lookup') {
    if (refusedTenants.has(body.tenant_id)) return { status: 400, body: {} }
    const found = ofTenant.filter(({ userId }) => body.user_ids.includes(userId))
    const views = found.map(({ userId, locale, devices }) => ({ user_id: userId, locale, devices }))
    return { body: { users: views } }
  }
  if (request.url === '/v1/devices/remove') {
    if (refusesRemovals) return { status: 500, body: {} }
    let removed = 0
    for (const user of ofTenant) {
      const left = user.devices.filter(({ token }) => !body.tokens.includes(token))
      removed += user.devices.length - left.length
      user.devices = left
    }
    return { body: { removed } }
  }
  return { status: 404, body: {} }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
