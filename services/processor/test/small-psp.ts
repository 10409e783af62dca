import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'

/**
 * What the PSP does with the next request of a kind: carry it out and answer, carry it out and
 * close the connection or never answer, close it without doing anything, fail for a time, decline
 * with a code.
 */
export type Conduct =
  | 'approve'
  | 'apply_then_reset'
  | 'apply_then_hang'
  | 'reset'
  | 'fail'
  | `decline:${string}`

type Kind = 'payments' | 'refunds' | 'voids'
type Book = { paymentId: string; amountMinor: bigint; answer: { status: number; body: string } }
type Seen = { kind: Kind; method: string; id: string; key: string | undefined; body: string }

/** A bank with books in memory that keeps the contract of the source document's PSP. */
export type SmallPsp = {
  url: string
  /** Every request, in order. */
  seen: Seen[]
  /** For the next requests of the kind; afterwards it approves. */
  script(kind: Kind, ...conducts: Conduct[]): void
  /** What refunds and voids moved back of a payment, in minor units. */
  movedBack(paymentId: string): bigint
  /** From now on payments have settled: a void is declined. */
  settle(): void
}

const IDS = { payments: 'payment_id', refunds: 'refund_id', voids: 'void_id' } as const
const PROOFS = {
  payments: 'gateway_transaction_id',
  refunds: 'gateway_refund_id',
  voids: 'gateway_void_id',
} as const

/** Starts the bank; it stops at the end of the scope. */
export async function smallPsp(t: TestScope): Promise<SmallPsp> {
  const books: Record<Kind, Map<string, Book>> = {
    payments: new Map(),
    refunds: new Map(),
    voids: new Map(),
  }
  const scripts: Record<Kind, Conduct[]> = { payments: [], refunds: [], voids: [] }
  const seen: Seen[] = []
  let isSettled = false

  function movedBack(paymentId: string): bigint {
    return [...books.refunds.values(), ...books.voids.values()]
      .filter((one) => one.paymentId === paymentId && one.answer.status === 200)
      .reduce((sum, one) => sum + one.amountMinor, 0n)
  }

  /** Decides a new request and keeps the verdict under its key for ever. */
  function decide(kind: Kind, members: Record<string, string>, decline: string | null): Book {
    const id = members[IDS[kind]]!
    const paymentId = members['payment_id']!
    const charged = books.payments.get(paymentId)
    const left = (charged?.amountMinor ?? 0n) - movedBack(paymentId)
    const { amount, currency = 'USD' } = members
    const amountMinor = amount === undefined ? left : parseAmount(amount, currency)
    const code = decline ?? refusal(kind, charged, left, amountMinor)
    const common = { [IDS[kind]]: id, payment_id: paymentId }
    const body =
      code === null
        ? { ...common, status: 'approved', [PROOFS[kind]]: `g-${id}`, message: 'Done.' }
        : { ...common, status: 'failed', error_code: code, message: 'Refused.' }
    const answer = { status: code === null ? 200 : 422, body: JSON.stringify(body) }
    const book = { paymentId, amountMinor, answer }
    books[kind].set(id, book)
    return book
  }

  function refusal(kind: Kind, charged: Book | undefined, left: bigint, wanted: bigint) {
    if (kind === 'payments') return null
    if (charged?.answer.status !== 200) return 'payment_not_found'
    if (kind === 'voids' && isSettled) return 'already_settled'
    return wanted > left || left === 0n ? 'nothing_left_to_refund' : null
  }

  function handle(request: IncomingMessage, response: ServerResponse, body: string): void {
    const [, , kind, path] = request.url!.split('/') as ['', 'v1', Kind, string?]
    const { method = '' } = request
    const key = request.headers['idempotency-key'] as string | undefined
    const members = body === '' ? {} : (JSON.parse(body) as Record<string, string>)
    const id = path ?? members[IDS[kind]]!
    seen.push({ kind, method, id, key, body })
    const known = books[kind].get(id)
    if (method === 'GET') {
      const none = { status: 200, body: JSON.stringify({ [IDS[kind]]: id, status: 'not_found' }) }
      response.writeHead(200).end((known?.answer ?? none).body)
      return
    }
    const conduct = known ? 'approve' : (scripts[kind].shift() ?? 'approve')
    if (conduct === 'reset') return void request.socket.destroy()
    if (conduct === 'fail') {
      const failed = { [IDS[kind]]: id, status: 'failed', error_code: 'gateway_unailable' }
      return void response.writeHead(500).end(JSON.stringify(failed))
    }
    const decline = conduct.startsWith('decline:') ? conduct.slice('decline:'.length) : null
    const { answer } = known ?? decide(kind, members, decline)
    if (conduct === 'apply_then_hang') return
    if (conduct === 'apply_then_reset') return void request.socket.destroy()
    response.writeHead(answer.status).end(answer.body)
  }

  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => handle(request, response, body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    script: (kind, ...conducts) => void scripts[kind].push(...conducts),
    movedBack,
    settle: () => void (isSettled = true),
  }
}
