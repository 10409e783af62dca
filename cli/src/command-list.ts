import type { CliCommand } from './command.ts'

/**
 * Every command by name. Only the command that runs is loaded: what the others import would cost
 * each call a second of CPU. For the same reason a command itself loads what it starts, such as the
 * services, when it runs, and not when its help is printed.
 */
const COMMANDS: Readonly<Record<string, () => Promise<CliCommand>>> = {
  start: async () => (await import('./commands/start.ts')).start,
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand,
  seed: async () => (await import('./commands/seed.ts')).seed,
  token: async () => (await import('./commands/token.ts')).token,
  pay: async () => (await import('./commands/pay.ts')).pay,
  payment: async () => (await import('./commands/payment.ts')).payment,
  payments: async () => (await import('./commands/payments.ts')).payments,
  refund: async () => (await import('./commands/refund.ts')).refund,
  cancel: async () => (await import('./commands/cancel.ts')).cancel,
  psp: async () => (await import('./commands/psp.ts')).psp,
  demo: async () => (await import('./commands/demo.ts')).demo,
  verify: async () => (await import('./commands/verify.ts')).verify,
  rebuild: async () => (await import('./commands/rebuild.ts')).rebuild,
  dlq: async () => (await import('./commands/dlq.ts')).dlq,
  'move-log': async () => (await import('./commands/move-log.ts')).moveLog,
  kafka: async () => (await import('./commands/kafka.ts')).kafka,
}

/** The commands in the order of the help. */
export const COMMAND_NAMES = Object.keys(COMMANDS)

/** Loads a command; undefined if there is none of this name. */
export async function findCommand(name: string): Promise<CliCommand | undefined> {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name]!() : undefined
}
