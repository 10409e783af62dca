import { isUuid, walletIdOf } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { EntryView, SHOWN_KINDS, WalletView } from '@caudal/contracts/wallet-views.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { cutPage, pageOf, pageQuery } from '@caudal/http/page.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import type { Identity, TokenVerifier } from '@caudal/http/token-verifier.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { Type } from 'typebox'
import { type EntryPosition, entryIdOf } from '../ledger/domain/transfer.ts'
import type { ListedEntry, WalletBalance } from './wallet.ts'

export interface WalletRouteDeps {
  verifier: TokenVerifier
  cursors: Cursors
  findBalances: (walletId: string) => Promise<WalletBalance[]>
  /** Newest first, from behind `after`. */
  listEntries: (query: {
    accountId: string
    after: EntryPosition | null
    limit: number
  }) => Promise<ListedEntry[]>
}

const entriesQuery = Type.Object({
  ...pageQuery.properties,
  account_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
})

const Position = Type.Object({ version: Type.Integer(), line: Type.Integer() })

/** A user's own wallet: balances and history (P4). The gateway's token names the user. */
export function addWalletRoutes(app: HttpServer, deps: WalletRouteDeps): void {
  const access = { verifier: deps.verifier, scope: SCOPE.walletRead }
  const walletSchema = { response: { 200: WalletView }, tags: ['wallet'] }
  app.get('/v1/wallet', secured(access, walletSchema), (request) =>
    showWallet(deps, identityOf(request)),
  )
  const entriesSchema = {
    querystring: entriesQuery,
    response: { 200: pageOf(EntryView) },
    problems: ['ACCOUNT_NOT_FOUND'] as const,
    tags: ['wallet'],
  }
  const cursors = deps.cursors(Position)
  app.get('/v1/wallet/entries', secured(access, entriesSchema), async (request) => {
    const { limit, account_id: wanted } = request.query
    const after = cursors.read(request)
    const { account, rows } = await readEntries(deps, identityOf(request), { wanted, limit, after })
    return cutPage(rows, {
      limit,
      cursorAfter: ({ version, line }) => cursors.write(request, { version, line }),
      show: (row) => showEntry(row, account!.currency),
    })
  })
}

async function showWallet(deps: WalletRouteDeps, { tenantId, subject }: Identity) {
  const walletId = walletIdOf(tenantId, subject)
  const accounts = await deps.findBalances(walletId)
  return { wallet_id: walletId, accounts: accounts.map(showBalance) }
}

async function readEntries(
  deps: WalletRouteDeps,
  { tenantId, subject }: Identity,
  page: { wanted: string | undefined; limit: number; after: EntryPosition | null },
) {
  const { wanted, limit, after } = page
  const accounts = await deps.findBalances(walletIdOf(tenantId, subject))
  const account = chooseAccount(accounts, wanted)
  const query = account && { accountId: account.accountId, after, limit: limit + 1 }
  return { account, rows: query === undefined ? [] : await deps.listEntries(query) }
}

/** The account that is meant; it need not be named where the wallet has only one. */
function chooseAccount(
  accounts: readonly WalletBalance[],
  wanted: string | undefined,
): WalletBalance | undefined {
  if (wanted !== undefined) {
    const id = wanted.toLowerCase()
    const own = isUuid(id) ? accounts.find(({ accountId }) => accountId === id) : undefined
    if (own === undefined) throw new Problem('ACCOUNT_NOT_FOUND')
    return own
  }
  if (accounts.length > 1) {
    throw new Problem('MALFORMED_REQUEST', 'query: account_id is required, there are several', {
      members: { param: 'account_id' },
    })
  }
  return accounts[0]
}

function showBalance({ accountId, currency, availableMinor, heldMinor }: WalletBalance) {
  return {
    account_id: accountId,
    currency,
    available: formatAmount(availableMinor, currency),
    held: formatAmount(heldMinor, currency),
  }
}

function showEntry(entry: ListedEntry, currency: string) {
  return {
    entry_id: entryIdOf(entry.transferId, entry.line),
    transfer_id: entry.transferId,
    kind: kindForUsers(entry),
    balance: entry.balance,
    amount: formatAmount(entry.amountMinor, currency),
    balance_after: formatAmount(entry.balanceAfterMinor, currency),
    payment_id: entry.paymentId,
    created_at: entry.bookedAt.toISOString(),
  }
}

/** Every other kind is shown as what it does to the balance: it gives or takes. */
function kindForUsers({ kind, amountMinor }: ListedEntry): string {
  if ((SHOWN_KINDS as readonly string[]).includes(kind)) return kind
  return amountMinor > 0n ? 'credit' : 'debit'
}
