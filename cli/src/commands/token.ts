import type { Command, Values } from '../command.ts'
import { EXIT, UsageError } from '../errors.ts'
import { printJson, printLine } from '../output.ts'
import { textOption, uuidArgument } from '../parse-options.ts'
import { findSystem, type System } from '../system/find-system.ts'
import { anyClientToken, clientToken, type Token, userToken } from '../system/tokens.ts'
import { DEFAULT_TENANT } from '../world/defaults.ts'

/** `caudal token`: a token of a user or of a client, for development. */
export const token: Command = {
  summary: 'print a token of a user, or of an OAuth client',
  usage:
    'token (--user ID [--scope SCOPES] | --client NAME --scope SCOPES [--secret SECRET]) ' +
    '[--tenant TENANT]',
  options: {
    user: { type: 'string' },
    client: { type: 'string' },
    scope: { type: 'string' },
    secret: { type: 'string' },
    tenant: { type: 'string' },
  },
  positionals: { min: 0, max: 0 },
  async run(invocation) {
    const make = plan(invocation.values)
    const made = await make(await findSystem(invocation))
    if (invocation.json) printJson(made)
    printLine(made.token, invocation)
    return EXIT.done
  },
}

/** Reads all options before a system is looked for; none is ignored. @throws {UsageError} */
function plan(values: Values): (system: System) => Promise<Token> {
  const { user, client } = values
  if ((user === undefined) === (client === undefined)) {
    throw new UsageError('give either --user ID or --client NAME')
  }
  return user !== undefined ? planForUser(values) : planForClient(values)
}

function planForUser(values: Values): (system: System) => Promise<Token> {
  if (values['secret'] !== undefined) {
    throw new UsageError('--secret is the one of a client: give it with --client NAME')
  }
  const userId = uuidArgument(textOption(values, 'user'), '--user')
  const tenantId = textOption(values, 'tenant', DEFAULT_TENANT)
  const scope = given(values, 'scope')
  return (system) => userToken(system, userId, tenantId, scope)
}

function planForClient(values: Values): (system: System) => Promise<Token> {
  const id = textOption(values, 'client')
  const scope = textOption(values, 'scope')
  const [secret, tenantId] = [given(values, 'secret'), given(values, 'tenant')]
  if (secret !== undefined && tenantId !== undefined) {
    throw new UsageError(
      '--tenant cannot be chosen with --secret: a client that has a secret has its own tenant',
    )
  }
  if (secret !== undefined) return (system) => clientToken(system, scope, { id, secret })
  return (system) =>
    id === system.client.id && tenantId === undefined
      ? clientToken(system, scope)
      : anyClientToken(system, id, { scope, tenantId })
}

/** An option that may be left out, but not be empty. @throws {UsageError} */
function given(values: Values, name: string): string | undefined {
  return values[name] === undefined ? undefined : textOption(values, name)
}
