import type { Command } from '../command.ts'
import { EXIT, UsageError } from '../errors.ts'
import { printJson, printLine } from '../output.ts'
import { textOption, uuidArgument } from '../parse-options.ts'
import { findSystem } from '../system/find-system.ts'
import { clientToken, userToken } from '../system/tokens.ts'
import { DEFAULT_TENANT } from '../world/defaults.ts'

/** `caudal token`: a token of a user (development login) or of a client. */
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
    const { values, json } = invocation
    const system = await findSystem(invocation)
    const { user, client } = values
    if ((user === undefined) === (client === undefined)) {
      throw new UsageError('give either --user ID or --client NAME')
    }
    const made =
      typeof user === 'string'
        ? await userToken(
            system,
            uuidArgument(user, '--user'),
            textOption(values, 'tenant', DEFAULT_TENANT),
          )
        : await clientToken(system, textOption(values, 'scope'), {
            id: textOption(values, 'client'),
            secret: textOption(values, 'secret', system.client.secret),
          })
    if (json) printJson(made)
    else printLine(made.token, { json })
    return EXIT.done
  },
}
