import { isCurrency } from '@caudal/money/currencies.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { CliCommand, Values } from '../command.ts'
import { seedUsers, type SeedOptions } from '../demo-data/seed-users.ts'
import { EXIT, UsageError } from '../errors.ts'
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
    users: { type: 'string' },
    orders: { type: 'string' },
    balance: { type: 'string' },
    amount: { type: 'string' },
    currency: { type: 'string' },
    'account-number': { type: 'string' },
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
    amount: amountOption(values, 'amount', currency, '10.00'),
    currency,
    accountNumber: typeof accountNumber === 'string' ? accountNumber : undefined,
  }
}

function amountOption(values: Values, name: string, currency: string, fallback?: string): string {
  const text = textOption(values, name, fallback)
  let minor: bigint
  try {
    minor = parseAmount(text, currency)
  } catch (error) {
    throw new UsageError(`--${name}: ${(error as Error).message}`, { cause: error })
  }
  if (name === 'amount' && minor <= 0n) throw new UsageError('--amount must be more than zero')
  return text
}
