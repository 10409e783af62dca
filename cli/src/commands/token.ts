import { DEFAULT_TENANT } from '@caudal/contracts/tenant.ts'
import type { CliCommand, Values } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { printJson, printLine } from '../output.ts'
import { optionalText, textOption, uuidArgument } from '../parse-options.ts'
import { findSystem, type System } from '../system/find-system.ts'
import { anyClientToken, clientToken, type Token, userToken } from '../system/tokens.ts'

/** `caudal token`: prints an access token of a user or a client, for development. */
export const token: CliCommand = {
  summary: 'print an access token of a user or of an OAuth client',
  usage:
    'token (--user ID [--scope SCOPES] | --client NAME --scope SCOPES [--secret SECRET]) ' +
    '[--tenant TENANT]',
  options: {
    user: { type: 'string', value: 'ID', about: 'the user whose token it is' },
    client: { type: 'string', value: 'NAME', about: 'the OAuth client whose token it is' },
    scope: {
      type: 'string',
      value: 'SCOPES',
      about: "scopes with a space between them; a user's token has all user scopes by default",
    },
    secret: {
      type: 'string',
      value: 'SECRET',
      about: "the client's own secret; without it, the development login makes the token",
    },
    tenant: {
      type: 'string',
      value: 'TENANT',
      about: `the tenant of the token; by default that of the client, or ${DEFAULT_TENANT}`,
    },
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

/**
 * Validates all options before the system is contacted; none is ignored.
 *
 * @throws {UsageError}
 */
function plan(values: Values): (system: System) => Promise<Token> {
  const { user, client } = values
  if ((user === undefined) === (client === undefined)) {
    throw new UsageError('give either --user ID or --client NAME')
  }
  return user !== undefined ? planForUser(values) : planForClient(values)
}

function planForUser(values: Values): (system: System) => Promise<Token> {
  if (values['secret'] !== undefined) {
    throw new UsageError('--secret is the secret of a client; use it with --client NAME')
  }
  const userId = uuidArgument(textOption(values, 'user'), '--user')
  const tenantId = textOption(values, 'tenant', DEFAULT_TENANT)
  const scope = optionalText(values, 'scope')
  return (system) => userToken(system, userId, tenantId, scope)
}

function planForClient(values: Values): (system: System) => Promise<Token> {
  const id = textOption(values, 'client')
  const scope = textOption(values, 'scope')
  const [secret, tenantId] = [optionalText(values, 'secret'), optionalText(values, 'tenant')]
  if (secret !== undefined && tenantId !== undefined) {
    throw new UsageError(
      '--tenant cannot be used with --secret, because the tenant of that client is configured',
    )
  }
  if (secret !== undefined) return (system) => clientToken(system, scope, { id, secret })
  return (system) =>
    id === system.client.id && tenantId === undefined
      ? clientToken(system, scope)
      : anyClientToken(system, id, { scope, tenantId })
}
