import { availableParallelism } from 'node:os'

/** What the figures were measured on; the durability settings are checked by each scenario. */
export function describeMachine(): Record<string, unknown> {
  return {
    cores: availableParallelism(),
    node: process.versions.node,
    postgres: '18',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
  }
}
