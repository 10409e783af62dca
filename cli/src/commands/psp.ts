import { SCOPE } from '@caudal/contracts/scopes.ts'
import type { CliCommand } from '../command.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-code.ts'
import { printJson, printLine } from '../output.ts'
import { textOption } from '../parse-options.ts'
import { findSystem, type System } from '../system/find-system.ts'
import { callOk } from '../system/http-client.ts'
import { bearer, clientToken } from '../system/tokens.ts'

/** A PSP as the processor shows it. */
type Psp = { psp: string; adapter?: string; accounts: string[]; state: string; tenants: string[] }

/** A change of a PSP's state, as the processor lists it. */
type Change = {
  state: string
  reason: string
  actor: { type: string; id: string }
  changed_at: string
}

/** The state that each action sets. */
const STATES: Readonly<Record<string, string>> = {
  enable: 'enabled',
  drain: 'draining',
  disable: 'disabled',
}

/** `caudal psp`: the PSPs, and which of them take payments. */
export const psp: CliCommand = {
  summary: 'list the PSPs or the changes of one; enable, drain (no new payments) or disable one',
  usage: 'psp list | changes NAME | enable NAME | drain NAME | disable NAME [--reason R]',
  arguments: [['NAME', 'a PSP, as list prints it']],
  options: {
    reason: {
      type: 'string',
      value: 'R',
      about: 'enable, drain, disable: why; kept with the change',
    },
  },
  positionals: { min: 1, max: 2 },
  async run(invocation) {
    const [action = '', name] = invocation.positionals
    const state = STATES[action]
    const isKnown = action === 'list' || action === 'changes' || state !== undefined
    if (!isKnown || (action === 'list') !== (name === undefined)) {
      throw new UsageError(`usage: caudal ${psp.usage}`)
    }
    if (state === undefined && invocation.values['reason'] !== undefined) {
      throw new UsageError(`--reason is no option of psp ${action}`)
    }
    const reason = textOption(invocation.values, 'reason', 'none given')
    const system = await findSystem(invocation)
    if (name === undefined) {
      const { psps } = await list(system)
      if (invocation.json) printJson({ psps })
      for (const one of psps) printLine(lineOf(one), invocation)
      return EXIT.done
    }
    if (state === undefined) {
      const changes = await listChanges(system, name)
      if (invocation.json) printJson({ changes })
      for (const one of changes) printLine(changeLine(one), invocation)
      return EXIT.done
    }
    const changed = await change(system, name, { state, reason })
    if (invocation.json) printJson(changed)
    printLine(lineOf(changed), invocation)
    return EXIT.done
  },
}

async function list(system: System): Promise<{ psps: Psp[] }> {
  const { token } = await clientToken(system, SCOPE.pspsRead)
  const url = `${system.serviceUrl('processor')}/v1/psps`
  return callOk(url, { method: 'GET', headers: bearer(token) })
}

/** The last changes of a PSP, the newest first. */
async function listChanges(system: System, name: string): Promise<Change[]> {
  const { token } = await clientToken(system, SCOPE.pspsRead)
  const path = `/v1/psps/${encodeURIComponent(name)}/changes?limit=100`
  const url = `${system.serviceUrl('processor')}${path}`
  const { data } = await callOk<{ data: Change[] }>(url, { method: 'GET', headers: bearer(token) })
  return data
}

async function change(
  system: System,
  name: string,
  body: { state: string; reason: string },
): Promise<Psp> {
  const { token } = await clientToken(system, `${SCOPE.pspsWrite} ${SCOPE.tenantsAny}`)
  const url = `${system.serviceUrl('processor')}/v1/psps/${encodeURIComponent(name)}/state`
  return callOk<Psp>(url, { method: 'PUT', headers: bearer(token), body })
}

function changeLine({ changed_at: at, state, actor, reason }: Change): string {
  return `  ${at}  ${state.padEnd(8)}  ${actor.type} ${actor.id}  ${reason}`
}

function lineOf({ psp: name, state, accounts, tenants }: Psp): string {
  const whose = tenants.length === 0 ? 'no route' : `tenants ${tenants.join(', ')}`
  return `  ${name.padEnd(12)}  ${state.padEnd(8)}  accounts ${accounts.join(', ')}  ${whose}`
}
