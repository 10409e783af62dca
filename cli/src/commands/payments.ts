import { SHOWN_STATUSES } from '@caudal/contracts/payment-statuses.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { CliCommand, Values } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { note, printJson, printLine } from '../output.ts'
import { choiceOption, durationOption, integerOption, uuidArgument } from '../parse-options.ts'
import { findSystem, type System } from '../system/find-system.ts'
import { fetchPayments, type StaffPayment } from '../system/payments-api.ts'
import { clientToken } from '../system/tokens.ts'

const LIMIT = { min: 1, max: 10_000 }
const PAGE = 100

/** `caudal payments`: lists payments of all users. */
export const payments: CliCommand = {
  summary: 'list payments of all users, newest first',
  usage: 'payments [--status S] [--user ID] [--order ID] [--older-than 5m] [--limit 20]',
  options: {
    status: {
      type: 'string',
      value: 'S',
      about: `only those with a status: ${SHOWN_STATUSES.join(', ')}`,
    },
    user: { type: 'string', value: 'ID', about: 'only those of this user' },
    order: { type: 'string', value: 'ID', about: 'only those of this order' },
    'older-than': {
      type: 'string',
      value: '5m',
      about: 'only those requested longer ago than this: seconds, or a number with s, m, h or d',
    },
    limit: { type: 'string', value: 'N', about: 'at most N payments, 20 by default' },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const { values, json } = invocation
    const limit = integerOption(values, 'limit', LIMIT, 20)
    const filters = filtersOf(values, Date.now())
    const system = await findSystem(invocation)
    const { data, hasMore } = await collect(system, filters, limit)
    if (json) printJson({ data, has_more: hasMore })
    for (const payment of data) printLine(lineOf(payment), { json })
    if (data.length === 0) printLine('no payments', { json })
    if (hasMore) note(`caudal: there are more than ${limit}; see --limit`)
    return EXIT.done
  },
}

/** @throws {UsageError} */
function filtersOf(values: Values, now: number): URLSearchParams {
  const filters = new URLSearchParams()
  const status = choiceOption(values, 'status', SHOWN_STATUSES)
  if (status !== undefined) filters.set('status', status)
  for (const [option, name] of [
    ['user', 'user_id'],
    ['order', 'external_order_id'],
  ] as const) {
    const value = values[option]
    if (typeof value === 'string') filters.set(name, uuidArgument(value, `--${option}`))
  }
  const ageMs = durationOption(values, 'older-than')
  if (ageMs === undefined) return filters
  if (ageMs > now) throw new UsageError('--older-than is longer than there is time')
  filters.set('created_before', new Date(now - ageMs).toISOString())
  return filters
}

async function collect(
  system: System,
  filters: URLSearchParams,
  limit: number,
): Promise<{ data: StaffPayment[]; hasMore: boolean }> {
  const { token } = await clientToken(system, SCOPE.paymentsRead)
  const data: StaffPayment[] = []
  const query = new URLSearchParams(filters)
  for (;;) {
    query.set('limit', String(Math.min(PAGE, limit - data.length)))
    const page = await fetchPayments(system, token, query)
    data.push(...page.data)
    if (page.next_cursor === null || data.length >= limit) return { data, hasMore: page.has_more }
    query.set('cursor', page.next_cursor)
  }
}

function lineOf(payment: StaffPayment): string {
  const { created_at: at, payment_id: id, status, reason } = payment
  const amount = `${payment.amount} ${payment.currency}`.padStart(16)
  const why = reason ? `  ${reason}` : ''
  return `${at}  ${id}  ${status.padEnd(9)} ${amount}  ${payment.service_name}${why}`
}
