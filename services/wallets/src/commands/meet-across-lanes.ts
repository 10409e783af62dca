import type { Command } from '../ledger/domain/command.ts'

/**
 * Whether commands of one request that are in different lanes have a key, a reference or an account
 * in common: then what one does can matter to another, and their order counts.
 */
export function meetAcrossLanes(
  commands: readonly Command[],
  laneOf: (accountId: string) => number,
): boolean {
  const keys = new Map<string, number>()
  const references = new Map<string, number>()
  const accounts = new Map<string, number>()
  const isElsewhere = (places: Map<string, number>, name: string, lane: number): boolean => {
    const other = places.get(name)
    if (other === undefined) places.set(name, lane)
    return other !== undefined && other !== lane
  }
  // Only a transfer touches another account than that which gives it its lane.
  const transfers = commands.some(({ kind }) => kind === 'transfer')
  return commands.some((command) => {
    const lane = laneOf(command.accountId)
    return (
      isElsewhere(keys, command.key.value, lane) ||
      isElsewhere(references, command.referenceId, lane) ||
      (transfers && accountsOf(command).some((id) => isElsewhere(accounts, id, lane)))
    )
  })
}

/** Those of users; accounts of the system refuse nothing, so no order counts on them. */
function accountsOf(command: Command): string[] {
  if (command.kind !== 'transfer') return [command.accountId]
  return command.postings.flatMap(({ accountId, system }) => (system === null ? [accountId] : []))
}
