import { type Command, isPostings } from '../ledger/domain/command.ts'

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
  // Only postings touch another account than that which gives the command its lane.
  const several = commands.some((command) => accountsOf(command).length > 1)
  return commands.some((command) => {
    const lane = laneOf(command.accountId)
    return (
      isElsewhere(keys, command.key.value, lane) ||
      isElsewhere(references, command.referenceId, lane) ||
      (several && accountsOf(command).some((id) => isElsewhere(accounts, id, lane)))
    )
  })
}

/** Those of users: accounts of the system refuse nothing, so the order on them does not matter. */
function accountsOf(command: Command): string[] {
  if (!isPostings(command)) return [command.accountId]
  return command.postings.flatMap(({ accountId }) => (accountId === null ? [] : [accountId]))
}
