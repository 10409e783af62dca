import type { CliCommand } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { printJson, printLine } from '../output.ts'
import { optionalText } from '../parse-options.ts'
import { ALL_SERVICES, namedServices } from '../system/named-services.ts'

const OWNER = 'CAUDAL_MIGRATION_DATABASE_URL'

/** `caudal migrate`: the only command of a running system that connects as the owner. */
export const migrateCommand: CliCommand = {
  summary: 'create and migrate the databases, and give the role of each service its rights',
  usage: 'migrate [service…] [--withdraw ROLE] | migrate --roles',
  arguments: [['service', `whose database; all by default. ${OWNER} names the server`]],
  options: {
    roles: { type: 'boolean', about: 'only print the SQL that creates the roles' },
    withdraw: {
      type: 'string',
      value: 'ROLE',
      about: 'take all rights from this role, such as caudal_app after an upgrade from 0.1.0',
    },
  },
  positionals: { min: 0, max: ALL_SERVICES.length },
  async run(invocation) {
    const { positionals, values, json } = invocation
    if (values['roles'] === true) return printRoles(json)
    const names = namedServices(positionals)
    const withdraw = optionalText(values, 'withdraw')
    const ownerUrl = process.env[OWNER]
    if (!ownerUrl) {
      throw new UsageError(`${OWNER} is missing: the server, as the owner of the databases`)
    }
    const { migrateNamed } = await import('../system/migrate-named.ts')
    const targets = await migrateNamed(ownerUrl, {
      names,
      withdraw: withdraw === undefined ? [] : [withdraw],
    })
    if (json) printJson({ ok: true, databases: targets })
    for (const { database, role } of targets) {
      printLine(`ok  ${database.padEnd(24)} for ${role}`, invocation)
    }
    return EXIT.done
  },
}

async function printRoles(json: boolean): Promise<number> {
  const { roleNames, roleScript } = await import('../system/role-script.ts')
  if (json) printJson({ roles: roleNames(), sql: roleScript() })
  else process.stdout.write(roleScript())
  return EXIT.done
}
