import { isCurrency } from '@caudal/money/currencies.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { CliCommand, Values } from '../command.ts'
import { seedUsers, type SeedOptions } from '../demo-data/seed-users.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { printJson, printLine } from '../output.ts'
import { integerOption, textOption } from '../parse-options.ts'
import { findSystem } from '../system/find-system.ts'

/** `caudal seed`: creates users with orders and balances. */
export const seed: CliCommand = {
  summary: 'create users, each with unpaid orders and a wallet balance',
  usage:
    'seed --users N --orders N --balance 100.00 [--amount 10.00] [--currency USD] ' +
    '[--account-number TEXT]',
  options: {
    users: { type: 'string', value: 'N', about: 'how many users to create' },
    orders: { type: 'string', value: 'N', about: 'how many unpaid orders each of them gets' },
    balance: { type: 'string', value: '100.00', about: 'what each wallet has at the beginning' },
    amount: { type: 'string', value: '10.00', about: 'what each order costs, 10 by default' },
    currency: { type: 'string', value: 'USD', about: 'an ISO 4217 code, USD by default' },
    'account-number': {
      type: 'string',
      value: 'TEXT',
      about: 'the payee of all orders; by default three payees in turn',
    },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const options = seedOptions(invocation.values)
    const users = await seedUsers(await findSystem(invocation), options)
    if (invocation.json) printJson({ users })
    for (const user of users) {
      printLine(`${user.user_id}  ${user.orders.length} orders`, invocation)
    }
    return EXIT.done
  },
}

function seedOptions(values: Values): SeedOptions {
  const currency = textOption(values, 'currency', 'USD')
  if (!isCurrency(currency)) throw new UsageError(`--currency: ${currency} is not an ISO 4217 code`)
  const accountNumber = values['account-number']
  return {
    users: integerOption(values, 'users', { min: 1, max: 100_000 }),
    ordersPerUser: integerOption(values, 'orders', { min: 0, max: 10_000 }),
    balance: amountOption(values, 'balance', currency),
    amount: amountOption(values, 'amount', currency, '10'),
    currency,
    accountNumber: typeof accountNumber === 'string' ? accountNumber : undefined,
  }
}

/** The amount with all decimals of its currency: `5` is `5.00` in USD. */
function amountOption(values: Values, name: string, currency: string, fallback?: string): string {
  const text = textOption(values, name, fallback)
  let minor: bigint
  try {
    minor = parseAmount(text, currency)
  } catch (error) {
    throw new UsageError(`--${name}: ${(error as Error).message}`, { cause: error })
  }
  if (name === 'amount' && minor <= 0n) throw new UsageError('--amount must be more than zero')
  return formatAmount(minor, currency)
}
