import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { newId } from '@caudal/contracts/ids.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** An order as the peer has it; the user it belongs to is part of it. */
export interface PeerOrder {
  external_order_id: string
  tenant_id: string
  user_id: string
  amount: string
  currency: string
  service_name: string
  service_account_number: string
  service_bank_code: string
  status: 'UNPAID' | 'PAID'
}

export type OrdersMode = 'serve' | 'fail' | 'hang'

/** What the processor answers to a cancel. */
export type CancelMode = 'canceled' | 'sent' | 'fail'

/** A cancel as the processor received it. */
export interface ReceivedCancel {
  id: string
  kind: string
  tenant_id: string
  scope: unknown
}

const CANCEL = /^\/processor\/internal\/operations\/([^/]+)\/cancel$/

interface Answer {
  status: number
  body: unknown
}

const GATEWAY_ISSUER = 'https://gateway.caudal.local'
const IDENTITY_ISSUER = 'https://identity.caudal.local'

async function createSigner(issuer: string, audience: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: issuer, alg: 'ES256', use: 'sig' }
  const sign = (claims: Record<string, unknown>): Promise<string> =>
    new SignJWT({ tenant_id: 'caudal', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: issuer, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience((claims['aud'] as string | undefined) ?? audience)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
  return { keySet: { keys: [jwk] }, sign }
}

/**
 * The services that payments calls, over HTTP as they would answer: the key sets of the gateway and
 * of identity, client-credentials tokens, the lookup of orders and the processor's cancel, which
 * can be set to misbehave.
 */
export async function startPeers(scope: TestScope) {
  const gateway = await createSigner(GATEWAY_ISSUER, 'payments')
  const identity = await createSigner(IDENTITY_ISSUER, 'caudal')
  const orders = new Map<string, PeerOrder>()
  const lookups: { traceparent: unknown; count: number }[] = []
  let mode: OrdersMode = 'serve'
  const cancels: ReceivedCancel[] = []
  let cancelMode: CancelMode = 'canceled'

  function cancel(id: string, request: IncomingMessage, text: string): Answer {
    const { kind, tenant_id } = JSON.parse(text) as ReceivedCancel
    const token = String(request.headers.authorization).split('.')[1]!
    const { scope } = JSON.parse(Buffer.from(token, 'base64url').toString()) as ReceivedCancel
    cancels.push({ id, kind, tenant_id, scope })
    if (cancelMode === 'canceled') return { status: 200, body: { operation_id: id } }
    return { status: cancelMode === 'sent' ? 409 : 500, body: {} }
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const text = await textOf(request)
    const [, operationId] = CANCEL.exec(request.url ?? '') ?? []
    if (operationId !== undefined) return cancel(operationId, request, text)
    const body = await bodyFor(request, text)
    return body === undefined ? { status: 500, body: {} } : { status: 200, body }
  }

  async function bodyFor(request: IncomingMessage, text: string): Promise<unknown> {
    switch (request.url) {
      case '/gateway/internal/jwks.json':
        return gateway.keySet
      case '/identity/jwks':
        return identity.keySet
      case '/identity/token': {
        const scope = new URLSearchParams(text).get('scope')
        const claims = { sub: 'payments', client_id: 'payments', scope }
        return { access_token: await identity.sign(claims), expires_in: 300, token_type: 'Bearer' }
      }
      case '/orders/v1/orders/lookup': {
        const asked = (JSON.parse(text) as { orders: PeerOrder[] }).orders
        lookups.push({ traceparent: request.headers.traceparent, count: asked.length })
        if (mode === 'hang') return new Promise(() => {})
        if (mode === 'fail') return undefined
        return { orders: asked.flatMap((one) => ownOrder(orders.get(one.external_order_id), one)) }
      }
      default:
        return undefined
    }
  }

  const server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    })
  })
  const url = await listen(server)
  scope.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    environment: {
      CAUDAL_API_GATEWAY_URL: `${url}/gateway`,
      CAUDAL_IDENTITY_URL: `${url}/identity`,
      CAUDAL_ORDERS_URL: `${url}/orders`,
      CAUDAL_PROCESSOR_URL: `${url}/processor`,
      CAUDAL_CLIENT_SECRET: 'a secret of the test',
    },
    lookups,
    setOrders(next: OrdersMode): void {
      mode = next
    },
    cancels,
    setProcessor(next: CancelMode): void {
      cancelMode = next
    },
    /** An unpaid order of the user, over 100.50 USD by default. */
    addOrder(userId: string, over: Partial<PeerOrder> = {}): PeerOrder {
      const order: PeerOrder = {
        external_order_id: newId(),
        tenant_id: 'caudal',
        user_id: userId,
        amount: '100.50',
        currency: 'USD',
        service_name: 'Water',
        service_account_number: '0001',
        service_bank_code: 'BNK1',
        status: 'UNPAID',
        ...over,
      }
      orders.set(order.external_order_id, order)
      return order
    },
    /** As the gateway vouches for a user. */
    userToken: (userId: string, claims: Record<string, unknown> = {}) =>
      gateway.sign({ sub: userId, scope: 'payments:write payments:read', ...claims }),
    /** A token of identity, by default one that an internal client got for itself. */
    serviceToken: (scopes: string, claims: Record<string, unknown> = {}) =>
      identity.sign({ sub: 'desk', client_id: 'desk', scope: scopes, ...claims }),
  }
}

export type Peers = Awaited<ReturnType<typeof startPeers>>

function ownOrder(order: PeerOrder | undefined, asked: PeerOrder): PeerOrder[] {
  const isOwn = order?.user_id === asked.user_id && order.tenant_id === asked.tenant_id
  return isOwn ? [order] : []
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
