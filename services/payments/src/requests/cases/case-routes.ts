import { isUuid } from '@caudal/contracts/ids.ts'
import { Time } from '@caudal/contracts/payment-views.ts'
import { CASE_REASONS } from '@caudal/contracts/reasons.ts'
import { RETURN_STATUSES, ReturnView } from '@caudal/contracts/refund-views.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { type Static, Type } from 'typebox'
import type { Payment } from '../../domain/payment.ts'
import type { ReturnedMoney } from '../../domain/returned-money.ts'
import { CASE_STATUSES, type CaseFilter, type StoredCase } from '../../store/list-cases.ts'
import type { ReturnFilter, ReturnPosition } from '../../store/list-returns.ts'
import { readerOf, serviceTenantOf } from '../caller.ts'
import {
  CaseView,
  StaffReturnView,
  viewCase,
  viewReturn,
  viewReturnForStaff,
} from './return-views.ts'

/** What the routes of cases and returns need done. */
export interface CaseRoutesDeps {
  verifier: TokenVerifier
  cursors: Cursors
  findPayment(
    owner: { tenantId: string; userId?: string },
    paymentId: string,
  ): Promise<Payment | undefined>
  listReturns(
    filter: ReturnFilter,
    page: { limit: number; after: ReturnPosition | undefined },
  ): Promise<ReturnedMoney[]>
  listCases(
    filter: CaseFilter,
    page: { limit: number; after: { openedAt: Date; caseId: string } | undefined },
  ): Promise<StoredCase[]>
}

const returnsOfPaymentSchema = {
  summary: 'List the returns of a payment, newest first',
  description: 'Money of the payment that came back without a refund.',
  params: Type.Object({ payment_id: Type.String() }),
  querystring: pageQuery,
  problems: ['PAYMENT_NOT_FOUND'] as const,
  response: { 200: pageOf(ReturnView) },
}

const returnsSchema = {
  summary: 'List the returns of the tenant, newest first',
  querystring: Type.Object({
    ...pageQuery.properties,
    status: Type.Optional(Type.Enum([...RETURN_STATUSES])),
  }),
  response: { 200: pageOf(StaffReturnView) },
  tags: ['staff'],
}

const casesSchema = {
  summary: 'List the cases of the tenant, newest first',
  description: 'A case is something that needs a person, such as money in suspense.',
  querystring: Type.Object({
    ...pageQuery.properties,
    status: Type.Optional(Type.Enum([...CASE_STATUSES])),
    reason: Type.Optional(Type.Enum([...CASE_REASONS])),
  }),
  response: { 200: pageOf(CaseView) },
  tags: ['staff'],
}

const ReturnCursor = Type.Object({ received_at: Time, return_id: Uuid })
const CaseCursor = Type.Object({ opened_at: Time, case_id: Uuid })

/** Reads of returns and cases: of a payment for its readers, of a tenant for staff. */
export function addCaseRoutes(app: HttpServer, deps: CaseRoutesDeps): void {
  const { verifier } = deps
  addReturnsOfPayment(app, deps)
  const staff = { verifier, scope: SCOPE.casesRead, holders: ['client'] } as const

  const returnCursors = deps.cursors(ReturnCursor)
  app.get('/v1/returns', secured(staff, returnsSchema), async (request, reply) => {
    const { limit, status } = request.query
    const after = afterReturn(returnCursors.read(request))
    const filter = { tenantId: serviceTenantOf(request), status }
    const returns = await deps.listReturns(filter, { limit: limit + 1, after })
    const cursorAfter = (it: ReturnedMoney) => returnCursors.write(request, positionOfReturn(it))
    return reply.send(cutPage(returns, { limit, cursorAfter, show: viewReturnForStaff }))
  })

  const caseCursors = deps.cursors(CaseCursor)
  app.get('/v1/cases', secured(staff, casesSchema), async (request, reply) => {
    const { limit, status, reason } = request.query
    const at = caseCursors.read(request)
    const after = at === null ? undefined : { openedAt: new Date(at.opened_at), caseId: at.case_id }
    const filter = { tenantId: serviceTenantOf(request), status, reason }
    const cases = await deps.listCases(filter, { limit: limit + 1, after })
    const cursorAfter = ({ openedAt, caseId }: StoredCase) =>
      caseCursors.write(request, { opened_at: openedAt.toISOString(), case_id: caseId })
    return reply.send(cutPage(cases, { limit, cursorAfter, show: viewCase }))
  })
}

function addReturnsOfPayment(app: HttpServer, deps: CaseRoutesDeps): void {
  const read = { verifier: deps.verifier, scope: SCOPE.paymentsRead, unscoped: 'user' } as const
  const cursors = deps.cursors(ReturnCursor)
  app.get(
    '/v1/payments/:payment_id/returns',
    secured(read, returnsOfPaymentSchema),
    async (request, reply) => {
      const reader = readerOf(request)
      const paymentId = request.params.payment_id.toLowerCase()
      const payment = isUuid(paymentId) ? await deps.findPayment(reader, paymentId) : undefined
      if (!payment) throw new Problem('PAYMENT_NOT_FOUND')
      const { limit } = request.query
      const after = afterReturn(cursors.read(request))
      const filter = { tenantId: reader.tenantId, paymentId }
      const returns = await deps.listReturns(filter, { limit: limit + 1, after })
      const cursorAfter = (it: ReturnedMoney) => cursors.write(request, positionOfReturn(it))
      const show = (it: ReturnedMoney) => viewReturn(it, paymentId)
      return reply.send(cutPage(returns, { limit, cursorAfter, show }))
    },
  )
}

function positionOfReturn({ receivedAt, returnId }: ReturnedMoney): Static<typeof ReturnCursor> {
  return { received_at: receivedAt.toISOString(), return_id: returnId }
}

function afterReturn(at: Static<typeof ReturnCursor> | null): ReturnPosition | undefined {
  return at === null ? undefined : { receivedAt: new Date(at.received_at), returnId: at.return_id }
}
