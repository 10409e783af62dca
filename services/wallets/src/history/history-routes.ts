import { isUuid, walletIdOf } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { type RouteAccess, secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { type Static, Type } from 'typebox'
import { accountOf, detached, idIn, mayBeDetached } from './history-request.ts'
import {
  AccountAnswer,
  AsOfQuery,
  BalanceAnswer,
  SystemAccountAnswer,
  TransferAnswer,
  TrialBalanceAnswer,
  TrialBalanceQuery,
} from './history-schemas.ts'
import type {
  AccountDetails,
  AsOf,
  Balances,
  Detached,
  SystemAccountPosition,
  SystemAccountTotal,
  TransferDetails,
  TrialBalanceRow,
} from './history.ts'
import { addHoldsRoute, addTransfersRoute, type ListRouteDeps } from './list-routes.ts'
import { readAsOf } from './read-moment.ts'
import {
  showAccount,
  showBalances,
  showSystemAccount,
  showTransfer,
  showTrialBalance,
} from './show-history.ts'
import { addStatementRoute, type StatementRouteDeps } from './statement-route.ts'

export interface HistoryRouteDeps extends StatementRouteDeps, ListRouteDeps {
  verifier: TokenVerifier
  listAccounts: (query: {
    tenantId: string
    walletId: string
    after: string | null
    limit: number
  }) => Promise<AccountDetails[]>
  listTenantAccounts: (query: {
    tenantId: string
    after: string | null
    limit: number
  }) => Promise<AccountDetails[]>
  listSystemAccounts: (query: {
    tenantId: string
    after: SystemAccountPosition | null
    limit: number
  }) => Promise<SystemAccountTotal[]>
  readBalances: (
    account: AccountDetails,
    asOf: AsOf,
  ) => Promise<(Balances & { type: 'balances'; version: number }) | Detached>
  findTransfer: (name: {
    tenantId: string
    transferId: string
  }) => Promise<TransferDetails | undefined>
  readTrialBalance: (query: {
    tenantId: string
    currency: string | null
    asOf: AsOf | null
  }) => Promise<TrialBalanceRow[] | Detached>
}

const noAccount = ['ACCOUNT_NOT_FOUND'] as const
const common = { tags: ['history'] }

/** The reads of the ledger for internal clients with the scope ledger:read (F1, E4). */
export function addHistoryRoutes(app: HttpServer, deps: HistoryRouteDeps): void {
  const access = { verifier: deps.verifier, scope: SCOPE.ledgerRead }
  addAccountRoutes(app, deps, access)
  addSystemAccountRoute(app, deps, access)
  addBalanceRoute(app, deps, access)
  addStatementRoute(app, deps, access)
  addTransferRoute(app, deps, access)
  addTransfersRoute(app, deps, access)
  addHoldsRoute(app, deps, access)
  addTrialBalanceRoute(app, deps, access)
}

const accountsQuery = Type.Object({
  ...pageQuery.properties,
  user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  wallet_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
})
/** The last account of a page: of a wallet its currency, of a tenant its id. */
const AccountsPosition = Type.Object({ currency: Type.String(), account_id: Type.String() })

function addAccountRoutes(app: HttpServer, deps: HistoryRouteDeps, access: RouteAccess): void {
  const summary = 'An account, or one slot of a system account.'
  const schema = { summary, response: { 200: AccountAnswer }, problems: noAccount, ...common }
  app.get('/v1/accounts/:account_id', secured(access, schema), async (request) =>
    showAccount(await accountOf(deps, request)),
  )
  const listSchema = {
    summary: 'The accounts of a wallet, by currency, or of all wallets of the tenant, by id.',
    description: 'Of a wallet if `user_id` or `wallet_id` names one.',
    querystring: accountsQuery,
    response: { 200: pageOf(AccountAnswer) },
    ...common,
  }
  const cursors = deps.cursors(AccountsPosition)
  app.get('/v1/accounts', secured(access, listSchema), async (request) => {
    const { tenantId } = identityOf(request)
    const { limit } = request.query
    const walletId = walletNamedBy(tenantId, request.query)
    const after = cursors.read(request)
    const rows = await listAccountsOf(deps, { tenantId, walletId, after, limit: limit + 1 })
    return cutPage(rows, {
      limit,
      cursorAfter: ({ currency, accountId }) =>
        cursors.write(request, { currency, account_id: accountId }),
      show: showAccount,
    })
  })
}

function listAccountsOf(
  deps: HistoryRouteDeps,
  query: {
    tenantId: string
    walletId: string | null | undefined
    after: Static<typeof AccountsPosition> | null
    limit: number
  },
): Promise<AccountDetails[]> {
  const { tenantId, walletId, after, limit } = query
  if (walletId === undefined) {
    return deps.listTenantAccounts({ tenantId, after: after?.account_id ?? null, limit })
  }
  if (walletId === null) return Promise.resolve([])
  return deps.listAccounts({ tenantId, walletId, after: after?.currency ?? null, limit })
}

/** Undefined for all wallets, null for a name that is nobody's: ids of ours are UUIDs. */
function walletNamedBy(
  tenantId: string,
  query: Static<typeof accountsQuery>,
): string | null | undefined {
  const { user_id: userId, wallet_id: walletId } = query
  if (userId !== undefined && walletId !== undefined) {
    throw new Problem('MALFORMED_REQUEST', 'query: give user_id or wallet_id, not both', {
      members: { param: 'user_id' },
    })
  }
  if (userId !== undefined) {
    return isUuid(userId) ? walletIdOf(tenantId, userId.toLowerCase()) : null
  }
  if (walletId === undefined) return undefined
  return isUuid(walletId) ? walletId.toLowerCase() : null
}

const SystemPosition = Type.Object({
  kind: Type.String(),
  currency: Type.String(),
  psp: Type.Union([Type.String(), Type.Null()]),
})

function addSystemAccountRoute(app: HttpServer, deps: HistoryRouteDeps, access: RouteAccess): void {
  const schema = {
    summary: "The operator's accounts, by kind, currency and PSP, summed over their slots.",
    querystring: pageQuery,
    response: { 200: pageOf(SystemAccountAnswer) },
    ...common,
  }
  const cursors = deps.cursors(SystemPosition)
  app.get('/v1/system-accounts', secured(access, schema), async (request) => {
    const { limit } = request.query
    const after = cursors.read(request)
    const { tenantId } = identityOf(request)
    const rows = await deps.listSystemAccounts({ tenantId, after, limit: limit + 1 })
    return cutPage(rows, {
      limit,
      cursorAfter: ({ kind, currency, psp }) => cursors.write(request, { kind, currency, psp }),
      show: showSystemAccount,
    })
  })
}

function addBalanceRoute(app: HttpServer, deps: HistoryRouteDeps, access: RouteAccess): void {
  const schema = {
    summary: 'Both balances of an account as of a time of booking, or of a value date.',
    querystring: AsOfQuery,
    response: { 200: BalanceAnswer },
    problems: [...noAccount, ...mayBeDetached.problems],
    problemMembers: mayBeDetached.problemMembers,
    ...common,
  }
  app.get('/v1/accounts/:account_id/balance', secured(access, schema), async (request) => {
    const { by, as_of: text } = request.query
    const account = await accountOf(deps, request)
    const { asOf, shown } = readAsOf(text ?? account.readAt.toISOString(), by)
    const found = await deps.readBalances(account, asOf)
    if (found.type === 'detached') throw detached(found)
    return {
      account_id: account.accountId,
      by,
      as_of: shown,
      ...showBalances(found, account.currency),
      version: found.version,
    }
  })
}

function addTransferRoute(app: HttpServer, deps: HistoryRouteDeps, access: RouteAccess): void {
  const summary = 'A transfer with its entries, what it corrects and what corrected it.'
  const problems = ['TRANSFER_NOT_FOUND'] as const
  const schema = { summary, response: { 200: TransferAnswer }, problems, ...common }
  app.get('/v1/transfers/:transfer_id', secured(access, schema), async (request) => {
    const transferId = idIn(request, 'transfer_id')
    const { tenantId } = identityOf(request)
    const found = isUuid(transferId) && (await deps.findTransfer({ tenantId, transferId }))
    if (!found) throw new Problem('TRANSFER_NOT_FOUND')
    return showTransfer(found)
  })
}

function addTrialBalanceRoute(app: HttpServer, deps: HistoryRouteDeps, access: RouteAccess): void {
  const schema = {
    summary: 'All accounts summed up by currency and kind: debits and credits are equal.',
    querystring: TrialBalanceQuery,
    response: { 200: TrialBalanceAnswer },
    ...mayBeDetached,
    ...common,
  }
  app.get('/v1/trial-balance', secured(access, schema), async (request) => {
    const { by, as_of: text, currency = null } = request.query
    const { tenantId } = identityOf(request)
    const moment = text === undefined ? null : readAsOf(text, by)
    if (moment === null && by === 'value') {
      throw new Problem('MALFORMED_REQUEST', 'query: by value as_of is required, a day', {
        members: { param: 'as_of' },
      })
    }
    const asOf = moment?.asOf ?? null
    const rows = await deps.readTrialBalance({ tenantId, currency, asOf })
    if (!Array.isArray(rows)) throw detached(rows)
    return { by, as_of: moment?.shown ?? null, data: showTrialBalance(rows) }
  })
}
