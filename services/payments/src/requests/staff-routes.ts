import { SHOWN_STATUSES } from '@caudal/contracts/payment-statuses.ts'
import { PaymentView } from '@caudal/contracts/payment-views.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { TimeOfRequest } from '@caudal/contracts/time-schemas.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'
import type { Payment } from '../domain/payment.ts'
import type { PagePosition } from '../store/list-payments.ts'
import type { PaymentFilter } from '../store/list-tenant-payments.ts'
import { serviceTenantOf } from './caller.ts'
import { afterOf, positionOf } from './page-position.ts'
import { viewPayment } from './render-answer.ts'
import { PageCursor } from './schemas.ts'

/** What the routes of staff need done. */
export interface StaffRoutesDeps {
  verifier: TokenVerifier
  cursors: Cursors
  findPayment(tenantId: string, paymentId: string): Promise<Payment | undefined>
  listTenantPayments(
    filter: PaymentFilter,
    page: { limit: number; after: PagePosition | undefined },
  ): Promise<Payment[]>
}

const StaffView = Type.Object({ ...PaymentView.properties, user_id: Uuid, account_id: Uuid })

const getSchema = {
  summary: 'Read a payment of any user of the tenant, with its user and account',
  params: Type.Object({ payment_id: Uuid }),
  problems: ['PAYMENT_NOT_FOUND'] as const,
  response: { 200: StaffView },
  tags: ['staff'],
}

const listSchema = {
  summary: 'List the payments of the tenant, newest first',
  description: 'For staff, through an internal client: the payments of all users.',
  querystring: Type.Object({
    ...pageQuery.properties,
    status: Type.Optional(Type.Enum([...SHOWN_STATUSES])),
    user_id: Type.Optional(Uuid),
    external_order_id: Type.Optional(Uuid),
    created_before: Type.Optional(TimeOfRequest),
  }),
  response: { 200: pageOf(StaffView) },
  tags: ['staff'],
}

/** Reads for staff, by clients with the scope payments:read, within the tenant of their token. */
export function addStaffRoutes(app: HttpServer, deps: StaffRoutesDeps): void {
  const access = {
    verifier: deps.verifier,
    scope: SCOPE.paymentsRead,
    holders: ['client'],
  } as const
  app.get('/v1/ops/payments/:payment_id', secured(access, getSchema), async (request, reply) => {
    const paymentId = request.params.payment_id.toLowerCase()
    const payment = await deps.findPayment(serviceTenantOf(request), paymentId)
    if (!payment) throw new Problem('PAYMENT_NOT_FOUND')
    return reply.send(viewForStaff(payment))
  })

  const cursors = deps.cursors(PageCursor)
  app.get('/v1/ops/payments', secured(access, listSchema), async (request, reply) => {
    const { limit, status, user_id, external_order_id, created_before } = request.query
    const filter = {
      tenantId: serviceTenantOf(request),
      status,
      userId: user_id?.toLowerCase(),
      orderId: external_order_id?.toLowerCase(),
      createdBefore: created_before === undefined ? undefined : readTime(created_before),
    }
    const position = cursors.read(request)
    const after = position === null ? undefined : afterOf(position)
    const payments = await deps.listTenantPayments(filter, { limit: limit + 1, after })
    const cursorAfter = (payment: Payment) => cursors.write(request, positionOf(payment))
    return reply.send(cutPage(payments, { limit, cursorAfter, show: viewForStaff }))
  })
}

/** The engine reads times in capitals only. */
function readTime(text: string): Date {
  return new Date(text.toUpperCase())
}

function viewForStaff(payment: Payment) {
  return { ...viewPayment(payment), user_id: payment.userId, account_id: payment.accountId }
}
