import { availableParallelism } from 'node:os'

/** Describes the machine and the durability settings, which each benchmark asserts. */
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
