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
  usage: 'token --user ID | --client NAME --scope SCOPES [--secret SECRET]',
  options: {
    user: { type: 'string' },
    tenant: { type: 'string' },
    client: { type: 'string' },
    scope: { type: 'string' },
    secret: { type: 'string' },
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

/** Reads all options before a system is looked for. @throws {UsageError} */
function plan(values: Values): (system: System) => Promise<Token> {
  const { user, client } = values
  if ((user === undefined) === (client === undefined)) {
    throw new UsageError('give either --user ID or --client NAME')
  }
  if (user !== undefined) {
    const userId = uuidArgument(textOption(values, 'user'), '--user')
    const tenantId = textOption(values, 'tenant', DEFAULT_TENANT)
    return (system) => userToken(system, userId, tenantId)
  }
  const id = textOption(values, 'client')
  const scope = textOption(values, 'scope')
  const secret = values['secret']
  if (typeof secret === 'string') return (system) => clientToken(system, scope, { id, secret })
  return (system) =>
    id === system.client.id ? clientToken(system, scope) : anyClientToken(system, id, scope)
}
