import { spawn } from 'node:child_process'

/** Kills the processes and removes the folder should this process die without doing so. */
export interface OrphanGuard {
  /** The processes that live now. */
  watch(pids: readonly number[]): void
  /** Nothing is left to guard. */
  release(): void
}

// Each line has the processes that live now; the end of the input means that their owner is gone.
// The last word of an owner that tidied up itself is an empty line.
const SCRIPT = `
trap '' INT TERM HUP
pids=
while IFS= read -r line; do pids=$line; done
[ -z "$pids" ] && exit
kill -9 $pids 2>/dev/null
[ -n "$1" ] && rm -rf -- "$1"`

/** A small shell that outlives this process even when that is killed with SIGKILL. */
export function guardOrphans(folder: string | undefined): OrphanGuard {
  const guard = spawn('sh', ['-c', SCRIPT, 'guard', folder ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  const input = guard.stdin
  // The guard may be gone already when the last line is written.
  input.on('error', () => {})
  return {
    watch: (pids) => void input.write(`${pids.join(' ')}\n`),
    release: () => void input.end('\n'),
  }
}
